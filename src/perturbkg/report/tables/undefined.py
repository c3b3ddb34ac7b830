"""How many scores are undefined, and why."""

from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Undefined(Table):
    """One row per split, metric, model, ablation and reason."""

    title = "Undefined scores"
    note = (
        "A score that is undefined (for instance the correlation of a constant prediction) is null, never "
        "0. Such scores are left out of means and counted here."
    )
    section = "undefined"
    folded = True
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        "reason": pl.String,
        "undefined": pl.Int64,
        "scores": pl.Int64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Count the undefined scores, and all scores of the same split, metric, model and ablation."""
        key = ["split", "metric", "model", "ablation"]
        everything = results.scores.group_by(key).agg(scores=pl.len())
        nulls = results.scores.filter(pl.col("value").is_null())
        counted = nulls.group_by(*key, "reason").agg(undefined=pl.len()).join(everything, on=key)
        found = counted.with_columns(pl.col(*key, "reason").cast(pl.String))
        return found.with_columns(pl.col("reason").fill_null("no reason given")).sort(*key, "reason")
