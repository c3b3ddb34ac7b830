"""Read somebody's own table, CSV, TSV (plain or .gz) or Parquet, every value as text, whole or in batches.

The form is told by content, not by name: Parquet by its first bytes, the separator by whether the header
has a tab. Rows are numbered with the header as row 1, in Parquet too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import (
    LOOKED,
    MISSING,
    explained,
    header,
    looked_through,
    numbers,
    require,
    undecoded,
)

QUOTE = '"'


def columns(path: Path) -> list[str]:
    """Return the column names of a table, each of which stands once."""
    if is_parquet(path):
        return list(_types(path))
    found = header(path, _separator(path), QUOTE)
    twice = [name for i, name in enumerate(found) if name in found[:i]]
    if twice:
        raise InputError(f"{path}: row 1: column {twice[0]!r} twice; remove one of them")
    if any(map(undecoded, found)):
        raise InputError(f"{path}: row 1: not UTF-8 text; save the file as UTF-8")
    return found


def read(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), *, missing: Sequence[str] = MISSING
) -> pl.DataFrame:
    """Read columns as text; `missing` becomes null, absent optional columns too, empty rows are skipped.

    Adds `row` (Int64). A list in Parquet becomes its members joined by "|". Other columns are ignored.
    """
    found = columns(path)
    require(path, found, required)
    present = [column for column in [*required, *optional] if column in found]
    with _reading(path):
        table = _scan(path, present, missing).collect(engine="streaming").select(present)
    absent = [pl.lit(None, pl.String).alias(column) for column in optional if column not in found]
    table = (
        table.with_row_index("row", offset=2)
        .with_columns(pl.col("row").cast(pl.Int64), *absent)
        .filter(~pl.all_horizontal(pl.col(present).is_null()))
    )
    if table.is_empty():
        raise InputError(f"{path}: a header and no rows; fill it")
    return table.select("row", *required, *optional)


def batches(path: Path, required: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    """Yield all rows of some columns, `rows` at a time, in the order of the file.

    Values of CSV and TSV are text, MISSING is null; those of Parquet have its types. What is held at a time
    is a few times `rows`, or a row group of Parquet.
    """
    require(path, columns(path), required)
    with _reading(path):
        scanned = (
            pl.scan_parquet(path).select(required)
            if is_parquet(path)
            else looked_through(_scan_text(path, MISSING), required)
        )
        read = scanned.collect_batches(chunk_size=rows, maintain_order=True)
        for batch in read:
            yield batch.select(required)


def labels(path: Path, known: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the labels of the rows and of the columns of a matrix that is a table, as text.

    The labels of the rows are the first column and those that are called as in `known`; all others are
    columns of the matrix, whose names are the column `gene`.
    """
    names, genes = _parted(path, known)
    return _filled(path, names).drop("row"), pl.DataFrame({"gene": genes})


def values(path: Path, known: Sequence[str]) -> np.ndarray:
    """Return the matrix (rows, columns) float32 of `labels`, NaN where nothing is known."""
    _, genes = _parted(path, known)
    return numbers(_filled(path, genes), genes, path).select(genes).to_numpy().astype(np.float32)


def _parted(path: Path, known: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of a table that label its rows, and the others."""
    first, *others = columns(path)
    genes = [name for name in others if name not in known]
    if not genes:
        raise InputError(f"{path}: row 1: no column of a gene beside {', '.join([first, *others])}")
    return [first, *(name for name in others if name in known)], genes


def _filled(path: Path, wanted: Sequence[str]) -> pl.DataFrame:
    """Read columns of all rows that have a value in any column, and `row`."""
    with _reading(path):
        table = _scan(path, columns(path), MISSING).collect(engine="streaming")
    table = table.with_row_index("row", offset=2).with_columns(pl.col("row").cast(pl.Int64))
    filled = ~pl.all_horizontal(pl.exclude("row", LOOKED).is_null())
    if (table := table.filter(filled).select("row", *wanted)).is_empty():
        raise InputError(f"{path}: a header and no rows; fill it")
    return table


def is_parquet(path: Path) -> bool:
    """Tell Parquet by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what Polars raises while it reads `path` into a one-line InputError."""
    if not is_parquet(path):
        with explained(path, _separator(path), QUOTE):
            yield
        return
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    """Return what a user is told of a Parquet file that cannot be read."""
    return InputError(f"{path}: damaged Parquet file ({' '.join(str(error).split())}); make it again")


def _separator(path: Path) -> str:
    """Tell tab from comma by the header."""
    return "," if is_parquet(path) or len(header(path, "\t", QUOTE)) == 1 else "\t"


def _scan(path: Path, wanted: Sequence[str], missing: Sequence[str]) -> pl.LazyFrame:
    """Scan columns as text."""
    if not is_parquet(path):
        return looked_through(_scan_text(path, missing), wanted)
    types = _types(path)
    text = [
        pl.col(c).cast(pl.List(pl.String)).list.join("|")
        if isinstance(types[c], pl.List)
        else pl.col(c).cast(pl.String)
        for c in wanted
    ]
    known = pl.when(~pl.all().is_in(list(missing))).then(pl.all())
    return pl.scan_parquet(path).select(text).with_columns(known)


def _scan_text(path: Path, missing: Sequence[str]) -> pl.LazyFrame:
    """Scan CSV or TSV, all columns as text."""
    return pl.scan_csv(
        path, separator=_separator(path), quote_char=QUOTE, infer_schema=False, null_values=list(missing)
    )


def _types(path: Path) -> dict[str, pl.DataType]:
    """Return the columns of a Parquet file and their types."""
    try:
        return pl.read_parquet_schema(path)
    except pl.exceptions.PolarsError as error:
        raise _damaged(path, error) from error
