"""Every ablated model against itself without the ablation."""

from typing import ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import DIFFERENCE, INTERVAL, compared, judge
from perturbkg.report.grid import (
    Column,
    Grid,
    count_cell,
    difference_cell,
    in_headline_order,
    mean_cell,
    metric_cell,
    probability_cell,
    text_cell,
)
from perturbkg.report.results import Results
from perturbkg.report.score_matrix import ScoreMatrix
from perturbkg.report.tables import Columns, Table


class Ablations(Table):
    """One row per split, headline metric, model that was ablated, and ablation; `none` comes first."""

    title = "Ablations"
    note = (
        "Each row is the same model retrained on data that lacks one thing. Difference: ablated minus "
        "untouched, paired on test signatures and clustered by parent molecule; q after Benjamini-Hochberg "
        "over every comparison of this table."
    )
    section = "ablations"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        **INTERVAL,
        **DIFFERENCE,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise the ablated models, and test their difference from the untouched one."""
        rows = [row for matrix in results.headline for row in _rows(matrix, results)]
        return judge(self.frame(rows), pl.col("ablation"), pl.lit("none"))

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split and model: one row per metric and ablation."""
        columns = [
            Column("Metric"),
            Column("Ablation"),
            Column("Mean", True),
            Column("Difference", True, "ablated minus untouched"),
            Column("p", True),
            Column("q", True),
            Column("Better"),
            Column("Parents", True),
        ]
        return [
            Grid(
                f"Split {part['split'][0]}: {part['model'][0]} and its ablations",
                columns,
                [
                    [
                        metric_cell(row["metric"]),
                        text_cell("none (untouched)" if row["ablation"] == "none" else row["ablation"]),
                        mean_cell(row),
                        difference_cell(row),
                        probability_cell(row["p"]),
                        probability_cell(row["q"]),
                        text_cell("untouched" if row["better"] == "none" else row["better"]),
                        count_cell(row["parents"]),
                    ]
                    for row in in_headline_order(part, choices.headline).iter_rows(named=True)
                ],
            )
            for part in (
                model
                for split in frame.partition_by("split", maintain_order=True)
                for model in split.partition_by("model", maintain_order=True)
            )
        ]


def _rows(matrix: ScoreMatrix, results: Results) -> list[dict[str, object]]:
    """Summarise the ablated models of one split and metric."""
    rows, models, estimator = [], matrix.over_seeds, results.estimator
    for model in sorted({model for model, ablation in models if ablation != "none"}):
        untouched = models.get((model, "none"))
        steps = sorted(ablation for name, ablation in models if name == model and ablation != "none")
        for ablation in ["none", *steps] if untouched is not None else steps:
            identity = (matrix.split, matrix.metric, model, ablation)
            values = models[model, ablation]
            row: dict[str, object] = {
                "split": matrix.split,
                "metric": matrix.metric,
                "model": model,
                "ablation": ablation,
                **estimator.interval(values, matrix.parent, *identity),
            }
            if ablation != "none" and untouched is not None:
                a, b = (compared(matrix.metric, scores) for scores in (values, untouched))
                row |= estimator.difference(a, b, matrix.parent, *identity, "none")
            rows.append(row)
    return rows
