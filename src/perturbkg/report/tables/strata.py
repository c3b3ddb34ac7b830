"""Means within groups of test signatures: where a model works and where it does not."""

import itertools
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import INTERVAL
from perturbkg.report.grid import Cell, Column, Grid, count_cell, mean_cell, metric_column
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table

# ASSUME: bounds of the strata. Tanimoto similarity of Morgan radius 2 (1: the same
# fingerprint), and number of genes with a delta of 2 or more.
SIMILARITY_BOUNDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
ACTIVITY_BOUNDS = (0, 10, 25, 50, 100, 200)
STRATA = {
    "similarity": "Tanimoto similarity to the nearest training drug",
    "target": "Target",
    "activity": "Genes with |delta| ≥ 2",
    "cell": "Cell line",
}


class Strata(Table):
    """One row per split, drawn metric, stratum, level and model; groups without a signature are left out."""

    title = "Where it works"
    note = (
        "Mean with 95 % interval within groups of test signatures: by Tanimoto similarity of the drug to "
        "its nearest training drug (Morgan radius 2), by whether the drug has a target in the graph, by the "
        "number of genes with |delta| ≥ 2, and by cell line."
    )
    section = "strata"
    folded = True
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "stratum": pl.String,
        "order": pl.Int64,  # of the levels of a stratum
        "level": pl.String,
        "model": pl.String,
        **INTERVAL,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise every model without an ablation within each group."""
        rows = []
        for matrix in results.drawn:
            for stratum, levels in _levels(matrix.rows).items():
                for order, (level, inside) in enumerate(levels):
                    for model, values in matrix.untouched.items() if inside.any() else ():
                        identity = (matrix.split, matrix.metric, model, "none", stratum, level)
                        rows.append(
                            {
                                "split": matrix.split,
                                "metric": matrix.metric,
                                "stratum": stratum,
                                "order": order,
                                "level": level,
                                "model": model,
                                **results.estimator.interval(
                                    values[inside], matrix.parent[inside], *identity
                                ),
                            }
                        )
        return self.frame(rows)

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split, stratum and metric: one row per level, one column per model."""
        return [
            _grid(group)
            for part in frame.partition_by("split", maintain_order=True)
            for group in part.partition_by("stratum", "metric", maintain_order=True)
        ]


def _levels(rows: pl.DataFrame) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return stratum -> its levels in order: label and which rows (rows,) bool belong to it."""
    similarity, active = rows["similarity"].to_numpy(), rows["active"].to_numpy()
    target, cell = rows["has_target"].to_numpy(), rows["cell"].to_numpy()
    return {
        "similarity": [
            *(
                (f"{low:g}–{high:g}", (similarity >= low) & (similarity < high))
                for low, high in itertools.pairwise(SIMILARITY_BOUNDS)
            ),
            ("1", similarity >= 1),
        ],
        "target": [("target in the graph", target), ("no target in the graph", ~target)],
        "activity": [
            *(
                (f"{low}–{high - 1}", (active >= low) & (active < high))
                for low, high in itertools.pairwise(ACTIVITY_BOUNDS)
            ),
            (f"≥ {ACTIVITY_BOUNDS[-1]}", active >= ACTIVITY_BOUNDS[-1]),
        ],
        "cell": [(name, cell == name) for name in sorted(set(cell))],
    }


def _grid(group: pl.DataFrame) -> Grid:
    """Lay one split, stratum and metric out."""
    models = sorted(group["model"].unique())
    rows = []
    for level in group.sort("order", maintain_order=True).partition_by("order", maintain_order=True):
        found = {row["model"]: row for row in level.iter_rows(named=True)}
        # A model with undefined scores covers fewer signatures: the largest count is that of the level.
        sizes = [count_cell(level["signatures"].max()), count_cell(level["parents"].max())]  # type: ignore[arg-type]
        label = Cell(level["level"][0], float(level["order"][0]))
        rows.append([label, *sizes, *(mean_cell(found.get(model)) for model in models)])
    columns = [
        Column(STRATA[group["stratum"][0]]),
        Column("Signatures", True),
        Column("Parents", True),
        *(Column(model, True) for model in models),
    ]
    return Grid(f"Split {group['split'][0]}, {metric_column(group['metric'][0]).title}", columns, rows)
