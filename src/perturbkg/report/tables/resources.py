"""What training took."""

from typing import ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Grid, plain
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table, Titles


class Resources(Table):
    """One row per model and ablation: seconds (median of a run, total of all) and peak memory."""

    title = "Time and memory"
    note = (
        "Seconds of wall-clock time of one run (median) and of all runs together, and the peak resident "
        "memory. These are the only numbers of the report that differ between two runs of the same "
        "workflow."
    )
    section = "resources"
    columns: ClassVar[Columns] = {
        "model": pl.String,
        "ablation": pl.String,
        "runs": pl.Int64,
        "parameters": pl.Int64,
        "epochs": pl.Float64,
        "seconds_load": pl.Float64,
        "seconds_ablate": pl.Float64,
        "seconds_fit": pl.Float64,
        "seconds_predict": pl.Float64,
        "seconds_total": pl.Float64,
        "peak_memory_mb": pl.Float64,
        "threads": pl.Int64,
    }
    titles: ClassVar[Titles] = {
        "seconds_load": "Load, s",
        "seconds_ablate": "Ablate, s",
        "seconds_fit": "Fit, s",
        "seconds_predict": "Predict, s",
        "seconds_total": "All runs, s",
        "peak_memory_mb": "Peak memory, MB",
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise the runs of each model and ablation."""
        seconds = ["seconds_load", "seconds_ablate", "seconds_fit", "seconds_predict"]
        found = results.runs.group_by("model", "ablation").agg(
            pl.len().alias("runs"),
            pl.col("parameters").max(),
            pl.col("epochs").median(),
            pl.col(seconds).median(),
            pl.sum_horizontal(seconds).sum().alias("seconds_total"),
            pl.col("peak_memory_mb").max(),
            pl.col("threads").max(),
        )
        return found.sort("model", "ablation")

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return one grid; seconds have a decimal, memory and epochs none."""
        digits = {"peak_memory_mb": 0, "epochs": 0}
        return [plain(self.title, frame, titles=self.titles, digits=digits)]
