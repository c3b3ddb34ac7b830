"""What more training data is worth to each model."""

from typing import ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import INTERVAL
from perturbkg.report.grid import Column, Grid, mean_cell, metric_column, number, text_cell
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class LearningCurve(Table):
    """One row per split, headline metric, model without an ablation, and share of the training groups."""

    title = "Learning curves"
    note = (
        "Models trained on nested shares of the training groups of each fold; validation and test signatures "
        "are always the same, and so are the training means that centred metrics subtract. Drugs: those that "
        "the model learned from, mean over folds; a model with `refit` learns from the validation part too, "
        "whatever the share. Mean with 95 % interval over parents, as in the main results."
    )
    section = "learning"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "share": pl.Float64,
        "drugs": pl.Float64,
        **INTERVAL,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise every share, if there is more than one."""
        shares = results.by_share
        rows = []
        for share, (matrices, runs) in shares.items() if len(shares) > 1 else ():
            drugs = {
                (split, model): mean
                for split, model, mean in runs.filter(ablation="none")
                .group_by("split", "model")
                .agg(pl.col("drugs").mean())
                .iter_rows()
            }
            for matrix in matrices:
                for model, values in matrix.untouched.items():
                    # The last share is that of the main results, whose intervals it has.
                    more = () if share == 1 else (f"share {share}",)
                    identity = (matrix.split, matrix.metric, model, "none", *more)
                    rows.append(
                        {
                            "split": matrix.split,
                            "metric": matrix.metric,
                            "model": model,
                            "share": share,
                            "drugs": drugs[matrix.split, model],
                            **results.estimator.interval(values, matrix.parent, *identity),
                        }
                    )
        return self.frame(rows).sort("split", "metric", "model", "share")

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split and headline metric: one row per model, one column per share."""
        return [
            _grid(part)
            for metric in choices.headline
            for part in frame.filter(metric=metric).partition_by("split", maintain_order=True)
        ]


def _grid(part: pl.DataFrame) -> Grid:
    """Lay one split and metric out."""
    shares = part["share"].unique().sort().to_list()
    rows = []
    for (model,), found in part.partition_by("model", as_dict=True, maintain_order=True).items():
        by_share = {row["share"]: row for row in found.iter_rows(named=True)}
        cells = []
        for share in shares:
            row = by_share.get(share)
            cells.append(mean_cell(row, mark=f" ({number(row['drugs'], 0)})" if row else ""))
        rows.append([text_cell(model), *cells])
    columns = [Column("Model"), *(Column(f"{share:g}", True, "share (drugs)") for share in shares)]
    return Grid(f"Split {part['split'][0]}, {metric_column(part['metric'][0]).title}", columns, rows)
