"""What each step of the preparation read, removed and kept."""

from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table


class Counts(Table):
    """The rows of schemas.Counts."""

    title = "What was read, removed and kept"
    note = "Every step of the preparation, in the order it removes rows."
    section = "data"
    columns: ClassVar[Columns] = {
        "stage": pl.String,
        "what": pl.String,
        "reason": pl.String,
        "count": pl.Int64,
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Return the counts as they were taken."""
        return results.counts
