"""What the ablations changed, by the numbers that the training runs recorded."""

import json
from collections.abc import Iterable
from typing import ClassVar

import polars as pl

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Column, Grid, count_cell, number_cell, text_cell
from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table

SPREAD = ("minimum", "median", "maximum")


class Notes(Table):
    """One row per model, ablation and note, over splits, folds and seeds."""

    title = "What the ablations really changed"
    note = (
        "Numbers that the training runs recorded, e.g. the share of edges that moved; over splits, folds "
        "and seeds."
    )
    section = "ablations"
    folded = True
    columns: ClassVar[Columns] = {
        "model": pl.String,
        "ablation": pl.String,
        "note": pl.String,
        "runs": pl.Int64,
        "minimum": pl.Float64,
        "median": pl.Float64,
        "maximum": pl.Float64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise every number among the notes, nested ones by a dotted name."""
        rows = [
            {"model": run["model"], "ablation": run["ablation"], "note": name, "value": value}
            for run in results.runs.select("model", "ablation", "notes").iter_rows(named=True)
            for name, value in _numbers(json.loads(run["notes"] or "{}"))
        ]
        values = pl.DataFrame(
            rows, schema={"model": pl.String, "ablation": pl.String, "note": pl.String, "value": pl.Float64}
        )
        found = values.group_by("model", "ablation", "note").agg(
            runs=pl.len(),
            minimum=pl.col("value").min(),
            median=pl.col("value").median(),
            maximum=pl.col("value").max(),
        )
        return found.sort("model", "ablation", "note")

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return one grid; counts and shares are in one column, and a count needs no decimals."""
        columns = [
            Column("Model"),
            Column("Ablation"),
            Column("Note"),
            Column("Runs", True),
            *(Column(name.capitalize(), True) for name in SPREAD),
        ]
        rows = [
            [
                *(text_cell(row[name]) for name in ("model", "ablation", "note")),
                count_cell(row["runs"]),
                *(number_cell(row[name], 0 if row[name].is_integer() else 3) for name in SPREAD),
            ]
            for row in frame.iter_rows(named=True)
        ]
        return [Grid(self.title, columns, rows)] if rows else []


def _numbers(value: object, name: str = "") -> Iterable[tuple[str, float]]:
    """Yield the dotted name and value of every number in nested dicts."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _numbers(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, float(value)
