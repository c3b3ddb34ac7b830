"""Tables of the report: each file holds one, with its words, its numbers and its layout for readers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import polars.selectors as cs

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Grid, plain
from perturbkg.report.results import Results

Columns = Mapping[str, type[pl.DataType]]
Titles = Mapping[str, str]


class Table(ABC):
    """A table: `tables/<name>.csv` (tidy, full precision), and .md, .tex and .json (rounded, for reading)."""

    title: ClassVar[str]
    note: ClassVar[str]  # what its numbers are
    section: ClassVar[str]  # of the page, see page.SECTIONS
    folded: ClassVar[bool] = False  # whether the page shows it only after a click
    columns: ClassVar[Columns]
    titles: ClassVar[Titles] = {}  # column -> what readers see, where that is not its name

    @abstractmethod
    def compute(self, results: Results) -> pl.DataFrame:
        """Return the rows, in a fixed order, with at least `columns`."""

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return the grids that readers see of the computed table, none if there is nothing to show."""
        return [plain(self.title, frame, titles=self.titles)] if frame.height else []

    def make(self, results: Results) -> pl.DataFrame:
        """Return the computed table with exactly its columns, in order."""
        frame = self.compute(results)
        return frame.select(pl.col(column).cast(kind) for column, kind in self.columns.items())

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Make a frame of rows, which may lack columns; NaN becomes null."""
        return pl.DataFrame(list(rows), schema=dict(self.columns)).with_columns(cs.float().fill_nan(None))

    def read(self, path: str | Path) -> pl.DataFrame:
        """Read the table from its CSV."""
        return pl.read_csv(path, schema=dict(self.columns))
