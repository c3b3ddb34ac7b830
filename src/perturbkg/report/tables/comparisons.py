"""The reference model against every other one."""

from typing import ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import DIFFERENCE, compared, judge
from perturbkg.report.grid import (
    Column,
    Grid,
    count_cell,
    difference_cell,
    in_headline_order,
    metric_cell,
    probability_cell,
    text_cell,
)
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Comparisons(Table):
    """One row per split, headline metric and other model."""

    title = "Reference against every other model"
    note = (
        "Paired differences, reference minus other, on the test signatures that both have a value for, "
        "clustered by parent molecule; 95 % bootstrap interval, sign-flip permutation p, and q after "
        "Benjamini-Hochberg over every comparison of this table. Better: at q < 0.05. Of a metric that "
        "should be near a value, the distances from it are compared."
    )
    section = "comparisons"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "reference": pl.String,
        "other": pl.String,
        **DIFFERENCE,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Test the difference of every pair."""
        reference, rows = results.choices.reference, []
        for matrix in results.headline:
            models, identity = matrix.untouched, (matrix.split, matrix.metric)
            for other in models.keys() - {reference} if reference in models else ():
                a, b = (compared(matrix.metric, models[name]) for name in (reference, other))
                rows.append(
                    {
                        "split": matrix.split,
                        "metric": matrix.metric,
                        "reference": reference,
                        "other": other,
                        **results.estimator.difference(a, b, matrix.parent, *identity, reference, other),
                    }
                )
        frame = self.frame(rows).sort("split", "metric", "other")
        return judge(frame, pl.col("reference"), pl.col("other"))

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split: one row per metric and other model."""
        columns = [
            Column("Metric"),
            Column("Against"),
            Column("Difference", True, "reference minus other"),
            Column("p", True),
            Column("q", True),
            Column("Better"),
            Column("Parents", True),
            Column("Signatures", True),
        ]
        return [
            Grid(
                f"Split {part['split'][0]}: {part['reference'][0]} minus each other model",
                columns,
                [
                    [
                        metric_cell(row["metric"]),
                        text_cell(row["other"]),
                        difference_cell(row),
                        probability_cell(row["p"]),
                        probability_cell(row["q"]),
                        text_cell(row["better"]),
                        count_cell(row["paired_parents"]),
                        count_cell(row["paired_signatures"]),
                    ]
                    for row in in_headline_order(part, choices.headline).iter_rows(named=True)
                ],
            )
            for part in frame.partition_by("split", maintain_order=True)
        ]
