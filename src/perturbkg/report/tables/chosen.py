"""What models chose for themselves, by the records of the training runs."""

import json
from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Chosen(Table):
    """One row per model, ablation, choice and what was chosen, over splits, folds and seeds."""

    title = "What models chose for themselves"
    note = (
        "Where an option says `auto`, and what was chosen on the validation part; `refit` says which "
        "signatures a model was trained on again afterwards."
    )
    section = "main"
    folded = True
    columns: ClassVar[Columns] = {
        "model": pl.String,
        "ablation": pl.String,
        "choice": pl.String,
        "value": pl.String,
        "runs": pl.Int64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Count the runs that chose the same."""
        key = ["model", "ablation", "choice", "value"]
        rows = [
            (run["model"], run["ablation"], choice, value)
            for run in results.runs.select("model", "ablation", "chosen").iter_rows(named=True)
            for choice, value in json.loads(run["chosen"]).items()
        ]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(key, pl.String), orient="row")
        return frame.group_by(key).agg(runs=pl.len()).sort(key)
