"""The mean of every single run."""

from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Column, Grid, count_cell, metric_column, number_cell, text_cell
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table
from perturbkg.scoring.bootstrap import cluster_means

RUN = ["model", "ablation", "fold", "seed"]


class Folds(Table):
    """One row per split, metric and run."""

    title = "Folds and seeds, one by one"
    note = "Mean over parent molecules of each single run; averages of averages can hide a fold that fails."
    section = "folds"
    folded = True
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        "fold": pl.Int64,
        "seed": pl.Int64,
        "mean": pl.Float64,
        "parents": pl.Int64,
        "signatures": pl.Int64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Average each run over its parents."""
        rows = []
        for matrix in results.matrices:
            folds = matrix.rows["fold"].to_numpy()
            for column, (model, ablation, seed) in enumerate(matrix.runs):
                for fold in np.unique(folds):
                    values = np.where(folds == fold, matrix.values[:, column], np.nan)
                    defined = ~np.isnan(values)
                    means = cluster_means(values[defined], matrix.parent[defined])
                    rows.append(
                        {
                            "split": matrix.split,
                            "metric": matrix.metric,
                            "model": model,
                            "ablation": ablation,
                            "fold": int(fold),
                            "seed": seed,
                            "mean": means.mean() if len(means) else None,
                            "parents": len(means),
                            "signatures": int(defined.sum()),
                        }
                    )
        return self.frame(rows)

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split: one row per run, one column per headline metric."""
        columns = [
            Column("Model"),
            Column("Ablation"),
            Column("Fold", True),
            Column("Seed", True),
            *(metric_column(metric) for metric in choices.headline),
        ]
        return [
            Grid(f"Split {part['split'][0]}", columns, [_row(run, choices) for run in _runs(part)])
            for part in frame.partition_by("split", maintain_order=True)
        ]


def _runs(part: pl.DataFrame) -> list[pl.DataFrame]:
    return part.sort(RUN).partition_by(RUN, maintain_order=True)


def _row(run: pl.DataFrame, choices: Choices) -> list:
    """Lay one run out."""
    means = dict(run.select("metric", "mean").iter_rows())
    return [
        text_cell(run["model"][0]),
        text_cell(run["ablation"][0]),
        count_cell(run["fold"][0]),
        count_cell(run["seed"][0]),
        *(number_cell(means.get(metric)) for metric in choices.headline),
    ]
