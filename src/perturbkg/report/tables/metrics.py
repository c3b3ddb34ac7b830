"""What the numbers of this run mean."""

from typing import ClassVar

import polars as pl

from perturbkg.metrics import value_infos
from perturbkg.report.choices import Choices
from perturbkg.report.grid import MINUS, Column, Grid, text_cell
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Metrics(Table):
    """One row per metric of the run, sorted."""

    title = "Metrics"
    note = "Of one signature: y is its observed, p its predicted delta profile over the 978 landmark genes."
    section = "metrics"
    folded = True
    columns: ClassVar[Columns] = {
        "metric": pl.String,
        "formula": pl.String,
        "low": pl.Float64,  # bounds of its range
        "high": pl.Float64,
        "better": pl.String,
        "best": pl.Float64,  # the value of a perfect prediction
        "chance": pl.Float64,  # null where it depends on the data; the formula says how
        "undefined": pl.String,  # where it is null; empty for a metric that is always defined
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Ask the metric plug-ins."""
        infos = [value_infos()[name] for name in sorted({matrix.metric for matrix in results.matrices})]
        return self.frame(
            {
                "metric": info.name,
                "formula": info.formula,
                "low": float(info.range[0]),
                "high": float(info.range[1]),
                "better": info.better,
                "best": float(info.best),
                "chance": info.chance,
                "undefined": info.undefined,
            }
            for info in infos
        )

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return one grid of text."""
        titles = ("Metric", "Formula", "Range", "Better", "Chance", "Undefined where")
        rows = []
        for row in frame.iter_rows(named=True):
            low, high = (f"{row[bound]:g}".replace("inf", "∞") for bound in ("low", "high"))
            texts = (
                row["metric"],
                row["formula"],
                f"{low} to {high}".replace("-", MINUS),
                f"near {row['best']:g}" if row["better"] == "closer" else row["better"],
                "see formula" if row["chance"] is None else f"{row['chance']:g}",
                row["undefined"],
            )
            rows.append([text_cell(text) for text in texts])
        return [Grid(self.title, [Column(title) for title in titles], rows)]
