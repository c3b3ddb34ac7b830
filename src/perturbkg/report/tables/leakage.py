"""What the parts of each fold hold and share."""

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Column, Grid, count_cell, number_cell, text_cell
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Leakage(Table):
    """One row per split and fold."""

    title = "Folds and leakage"
    note = (
        "Every fold as it was saved before any model was trained. Shared: in training and in test; for "
        "parents that is so by design in the random split only."
    )
    section = "leakage"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "fold": pl.Int64,
        "train": pl.Int64,  # signatures
        "validation": pl.Int64,
        "test": pl.Int64,
        "left_out": pl.Int64,
        "test_parents": pl.Int64,
        "parents_shared": pl.Int64,  # in both training and test
        "scaffolds_shared": pl.Int64,
        "cells_shared": pl.Int64,
        "test_drugs_with_target": pl.Int64,
        "similarity_median": pl.Float64,  # of test drugs to their nearest training drug
        "similarity_highest": pl.Float64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Take the counts out of the manifests."""
        return self.frame(
            _row(fold, manifest) for fold, manifest in zip(results.folds, results.manifests, strict=True)
        )

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return one grid."""
        columns = [
            Column("Split"),
            Column("Fold", True),
            Column("Train", True, "signatures"),
            Column("Validation", True, "signatures"),
            Column("Test", True, "signatures"),
            Column("Left out", True, "signatures used in no part"),
            Column("Test parents", True, "parent molecules"),
            Column("Parents shared", True, "parent molecules in both training and test"),
            Column("Scaffolds shared", True, "Bemis-Murcko scaffolds in both training and test"),
            Column("Cell lines shared", True, "cell lines in both training and test"),
            Column("Test drugs with target", True),
            Column(
                "Median similarity", True, "Tanimoto similarity of test drugs to their nearest training drug"
            ),
            Column("Highest", True, "Tanimoto similarity of the test drug nearest to training"),
        ]
        rows = [
            [
                text_cell(split),
                *(count_cell(count) for count in counts),
                number_cell(median, 2),
                number_cell(highest, 2),
            ]
            for split, *counts, median, highest in frame.iter_rows()
        ]
        return [Grid(self.title, columns, rows)]


def _row(fold: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    nearest = manifest["test_drugs"]["similarity_quantiles"]
    return {
        "split": fold["split"],
        "fold": fold["fold"],
        **{part: manifest["signatures"][part] for part in ("train", "validation", "test", "left_out")},
        "test_parents": manifest["parents"]["test"],
        **{f"{kind}s_shared": manifest[f"{kind}s_shared"] for kind in ("parent", "scaffold", "cell")},
        "test_drugs_with_target": manifest["test_drugs"]["with_target"],
        "similarity_median": nearest["0.5"],
        "similarity_highest": nearest["1.0"],
    }
