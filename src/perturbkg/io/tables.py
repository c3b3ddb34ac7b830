"""Read a user's table, delimited text or Parquet, every value as text, whole or in batches.

The format is detected by content, not by name: Parquet by its first bytes, the separator (tab, comma,
semicolon) by the header, compressed files by theirs. Rows are numbered with the header as row 1, also in
Parquet.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io import delimited
from perturbkg.io.delimited import (
    MISSING,
    NOT_AVAILABLE,
    ROW,
    looked_through,
    numbers,
    require,
    undecoded,
)
from perturbkg.io.files import reached
from perturbkg.io.parquet import explained

# What pandas calls a column without a name when it reads one is also without.
NAMELESS = ("", "Unnamed: 0")


def columns(path: Path) -> list[str]:
    """Return the column names of a table, each of which occurs once."""
    if is_parquet(path):
        return list(_types(path))
    found = delimited.header(path, own=True)
    twice = [name for i, name in enumerate(found) if name in found[:i]]
    if twice:
        raise InputError(f"{path}: row 1: column {twice[0]!r} twice; remove one of them")
    if any(map(undecoded, found)):
        raise InputError(f"{path}: row 1: not UTF-8 text; save the file as UTF-8")
    return found


def read(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    ids: Sequence[str] = (),
    missing: Sequence[str] = MISSING,
) -> pl.DataFrame:
    """Read columns as text; absent optional columns become null, empty rows are skipped.

    `missing` becomes null, and NOT_AVAILABLE except in the columns `ids`. Adds `row` (Int64). A list in
    Parquet becomes its members joined by "|". Other columns are ignored.
    """
    found = columns(path)
    require(path, found, required)
    present = [column for column in [*required, *optional] if column in found]
    with _scanned(path, missing) as rows:
        table = _selected(path, rows, [ROW, *present]).collect(engine="streaming").select(ROW, *present)
        table = _as_text(table, present, missing)
    absent = [column for column in optional if column not in found]
    table = (
        table.with_columns(pl.col([name for name in present if name not in ids]).replace(NOT_AVAILABLE, None))
        .filter(~pl.all_horizontal(pl.col(present).is_null()))
        .select(
            pl.col(ROW).cast(pl.Int64).alias("row"),
            *present,
            *(pl.lit(None, pl.String).alias(column) for column in absent),
        )
    )
    if table.is_empty():
        raise InputError(f"{path}: a header and no rows; fill it")
    return table.select("row", *required, *optional)


def batches(path: Path, required: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    """Yield all rows of some columns, `rows` at a time, in the order of the file.

    Values of delimited text are text, MISSING is null; those of Parquet have its types. What is held at a
    time is a few times `rows`, or a row group of Parquet.
    """
    require(path, columns(path), required)
    with _scanned(path, MISSING) as scanned:
        read = _selected(path, scanned, required).collect_batches(chunk_size=rows, maintain_order=True)
        for batch in read:
            yield batch.select(required)


def labels(path: Path, known: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the labels of the rows and of the columns of a matrix that is a table, as text.

    The labels of the rows are their id, which comes first, and the columns that are called as in `known`;
    all others are columns of the matrix, whose names are the column `gene`. The id is the first column. If
    that has no name or holds row numbers (as R and pandas write them), it is the column called `known[0]`.
    Raises InputError where there are only row numbers.
    """
    names, genes = _parted(path, known)
    table = _as_text(_filled(path, names), names, MISSING)
    return table.select(names), pl.DataFrame({"gene": genes})


def values(path: Path, known: Sequence[str]) -> np.ndarray:
    """Return the matrix (rows, columns) float32 of `labels`, NaN where nothing is known."""
    _, genes = _parted(path, known)
    table = _filled(path, genes).rename({ROW: "row"})
    text = [name for name in genes if not table.schema[name].is_numeric()]
    if text:
        table = numbers(_as_text(table, text, MISSING), text, path)
    return table.select(pl.col(genes).cast(pl.Float32)).to_numpy()


def row_numbers(path: Path) -> list[int]:
    """Return the number in the file of each row of `labels`; the header is row 1."""
    return _filled(path, [])[ROW].to_list()


def _parted(path: Path, known: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of a table that label its rows, and the others."""
    first, *others = columns(path)
    id_ = known[0]
    if first in ("#1.2", "#1.3"):
        raise InputError(f"{path}: a GCT text file; convert it with cmapPy: gct2gctx -f {path}")
    genes = [name for name in others if name not in known]
    if not genes:
        raise InputError(f"{path}: row 1: no column of a gene beside {', '.join([first, *others])}")
    labelling = [name for name in others if name in known]
    if id_ in others and (first in NAMELESS or _numbers_rows(path, first)):
        return [id_, *(name for name in labelling if name != id_)], genes
    if first in NAMELESS and _numbers_rows(path, first):
        raise InputError(
            f"{path}: the first column has no name and holds row numbers, no ids; put the ids first and "
            "write no row numbers (R: write.csv(..., row.names = FALSE), pandas: to_csv(..., index=False))"
        )
    return [first, *labelling], genes


def _numbers_rows(path: Path, column: str) -> bool:
    """Return whether a column counts the rows from 0 or from 1."""
    found = _as_text(_filled(path, [column]), [column], MISSING)[column].to_list()
    return any(found == [str(start + row) for row in range(len(found))] for start in (0, 1))


def _filled(path: Path, wanted: Sequence[str]) -> pl.DataFrame:
    """Read ROW and columns of all rows that have a value in any column."""
    with _scanned(path, MISSING) as rows:
        filled = rows.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))
        table = filled.select(ROW, *wanted).collect(engine="streaming")
    if table.is_empty():
        raise InputError(f"{path}: a header and no rows; fill it")
    return table


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet by its first bytes."""
    with reached(path), path.open("rb") as file:
        return file.read(4) == b"PAR1"


@contextmanager
def _scanned(path: Path, missing: Sequence[str]) -> Iterator[pl.LazyFrame]:
    """Scan all columns, text as text and Parquet with its types, and ROW; what fails is an InputError."""
    if not is_parquet(path):
        with delimited.scanned(path, own=True, missing=missing) as rows:
            yield rows
        return
    with explained(path):
        yield pl.scan_parquet(path, row_index_name=ROW, row_index_offset=2)


def _selected(path: Path, rows: pl.LazyFrame, wanted: Sequence[str]) -> pl.LazyFrame:
    """Select columns; in text, look at all others too."""
    return rows.select(wanted) if is_parquet(path) else looked_through(rows, wanted)


def _as_text(table: pl.DataFrame, columns: Sequence[str], missing: Sequence[str]) -> pl.DataFrame:
    """Turn columns of Parquet into text, lists into their members joined by "|"; those of text are text."""
    lists = [name for name in columns if isinstance(table.schema[name], pl.List)]
    others = [name for name in columns if name not in lists and table.schema[name] != pl.String]
    table = table.with_columns(
        pl.col(lists).cast(pl.List(pl.String)).list.join("|"), pl.col(others).cast(pl.String)
    )
    return table.with_columns(pl.col(columns).replace(missing, None))


def _types(path: Path) -> dict[str, pl.DataType]:
    """Return the columns of a Parquet file and their types."""
    with explained(path):
        return pl.read_parquet_schema(path)
