"""Tables as readers see them: grids of rounded text, which Markdown, LaTeX and the page share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import polars as pl

from perturbkg.metrics import value_infos

ARROW = {"higher": "↑", "lower": "↓", "closer": "→"}
MISSING = "–"
MINUS = "−"


@dataclass(frozen=True)
class Column:
    """A column: its title, whether it is set as numbers, and what it means."""

    title: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell: what is read, and what it is sorted by (None comes last)."""

    text: str
    order: float | str | None
    bold: bool = False


@dataclass(frozen=True)
class Grid:
    """A table for reading."""

    title: str
    columns: list[Column]
    rows: list[list[Cell]]

    def to_json(self) -> dict[str, Any]:
        """Return the grid as JSON values, a cell as [text, order, bold]."""
        return {
            "title": self.title,
            "columns": [asdict(column) for column in self.columns],
            "rows": [[[cell.text, cell.order, cell.bold] for cell in row] for row in self.rows],
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the grid that `to_json` gave."""
        columns = [Column(**column) for column in found["columns"]]
        return cls(found["title"], columns, [[Cell(*cell) for cell in row] for row in found["rows"]])


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """Write a number with a true minus; a dash for a missing one."""
    if value is None:
        return MISSING
    return f"{value:{'+' if sign and value else ''},.{digits}f}".replace("-", MINUS)


def interval(mean: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    """Write a mean with its interval, e.g. `0.329 [0.318, 0.340]`."""
    if mean is None or low is None or high is None:
        return number(mean, sign=sign)
    return f"{number(mean, sign=sign)} [{number(low)}, {number(high)}]"


def probability(value: float | None) -> str:
    """Write a p or q value; a small one as `< 0.001`."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def text_cell(value: str | None) -> Cell:
    """Make a cell of text."""
    return Cell(MISSING if value is None else value, value)


def count_cell(value: int | None) -> Cell:
    """Make a cell of a whole number."""
    return Cell(number(value, 0), value)


def number_cell(value: float | None, digits: int = 3) -> Cell:
    """Make a cell of a rounded number."""
    return Cell(number(value, digits), value)


def probability_cell(value: float | None) -> Cell:
    """Make a cell of a p or q value."""
    return Cell(probability(value), value)


def mean_cell(row: dict[str, Any] | None, mark: str = "", bold: bool = False) -> Cell:
    """Make a cell of the columns estimates.INTERVAL of a row."""
    if row is None:
        return Cell(MISSING, None)
    return Cell(interval(row["mean"], row["low"], row["high"]) + mark, row["mean"], bold)


def difference_cell(row: dict[str, Any]) -> Cell:
    """Make a cell of the columns estimates.DIFFERENCE of a row."""
    found = (row["difference"], row["difference_low"], row["difference_high"])
    return Cell(interval(*found, sign=True), row["difference"])


def metric_column(name: str) -> Column:
    """Make the column of a metric: an arrow says which direction is better."""
    info = value_infos()[name]
    goal = f"{info.best:g}" if info.better == "closer" else ""
    return Column(f"{name} {ARROW[info.better]}{goal}", True, f"{info.formula}; {info.better} is better")


def metric_cell(name: str) -> Cell:
    """Make a cell that names a metric like its column does."""
    return text_cell(metric_column(name).title)


def in_headline_order(frame: pl.DataFrame, headline: Sequence[str]) -> pl.DataFrame:
    """Put the metrics in the order of the headline; rows of one metric keep their order."""
    place = pl.col("metric").replace_strict(
        {metric: at for at, metric in enumerate(headline)}, default=len(headline)
    )
    return frame.sort(place, maintain_order=True)


def plain(
    title: str,
    frame: pl.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | None = None,
) -> Grid:
    """Show a frame as it is; `titles` and `digits` (1 unless given) are by column."""
    columns, cells = [], []
    for series in frame.iter_columns():
        shown = (titles or {}).get(series.name, series.name.replace("_", " ").capitalize())
        columns.append(Column(shown, series.dtype.is_numeric()))
        if series.dtype == pl.String:
            cells.append([text_cell(value) for value in series])
        elif series.dtype.is_integer():
            cells.append([count_cell(value) for value in series])
        else:
            cells.append([number_cell(value, (digits or {}).get(series.name, 1)) for value in series])
    return Grid(title, columns, [list(row) for row in zip(*cells, strict=True)])
