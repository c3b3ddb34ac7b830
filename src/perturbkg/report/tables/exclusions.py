"""Defective items that the preparation left out."""

from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table, Titles


class Exclusions(Table):
    """The rows of schemas.Exclusions."""

    title = "Defective items left out"
    note = "Every single one, with its line in the source file."
    section = "data"
    folded = True
    columns: ClassVar[Columns] = {
        "stage": pl.String,
        "what": pl.String,
        "item": pl.String,
        "row": pl.Int64,
        "reason": pl.String,
    }
    titles: ClassVar[Titles] = {"row": "Line"}

    def compute(self, results: Results) -> pl.DataFrame:
        """Return the exclusions as they were recorded."""
        return results.exclusions
