"""Read other people's delimited text, plain or compressed, every value as text, with errors to act on.

Rows are numbered as in the file: the header is row 1.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.files import reached
from perturbkg.io.packed import content, damaged, packing_of, readable

# The CMap tables write -666 where nothing is known.
MISSING = ("", "-666", "-666.0", "NaN", "nan")
# What R, pandas, spreadsheets and databases write where nothing is known; it might be a name or an id.
NOT_AVAILABLE = ("NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None")
# A file may have columns of its own called so without the space.
ROW, LOOKED = " row", " looked"
# What the csv module refuses when it is strict.
_CSV = "a quotation mark that is not closed, a line end within a field, or more than 131,072 signs in one"


class Dialect(NamedTuple):
    """How fields are separated, and the sign around those that hold a separator; None: it is text."""

    separator: str
    quote: str | None


def given(files: Mapping[str, str | Path], key: str, described: Mapping[str, str]) -> Path:
    """Return the path of a file key; a missing key or file is an InputError that says what it should be."""
    if key not in files:
        raise InputError(f"files: no key {key!r}; give the path of: {described[key]}")
    path = Path(files[key])
    with reached(path):
        if not path.is_file():
            raise InputError(f"{path}: no such file; files.{key} must be: {described[key]}")
    return path


def dialect(path: Path, *, own: bool = False) -> Dialect:
    """Return the dialect of a file by its header: tab, else comma or semicolon.

    In the tab-separated tables of publishers quotation marks are text, unless the header has them; in a table
    of one's `own` they never are.
    """
    with lines_of(path) as lines:
        first = next(lines, "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    separator = "\t" if "\t" in unquoted else max(",;", key=unquoted.count)
    literal = separator == "\t" and not own and '"' not in first
    return Dialect(separator, None if literal else '"')


def header(path: Path, *, own: bool = False) -> list[str]:
    """Return the column names of a file without reading the rest."""
    used = dialect(path, own=own)
    try:
        with lines_of(path) as lines:
            names = next(_records(lines, used), None)
    except csv.Error as error:
        raise InputError(f"{path}: row 1: no header ({_CSV}); give another file") from error
    if names is None:
        raise InputError(f"{path}: empty file; fetch it again")
    if not names:
        raise InputError(f"{path}: row 1: empty; it must hold the names of the columns")
    return names


def require(path: Path, found: Sequence[str], columns: Sequence[str]) -> None:
    """Raise InputError unless the header of `path` has each of `columns`, and none of them twice."""
    missing = [column for column in columns if column not in found]
    if missing and any(map(undecoded, found)):
        raise InputError(f"{path}: row 1: not UTF-8 text; give another file, or save this one as UTF-8")
    if missing:
        raise InputError(
            f"{path}: row 1: no column {', '.join(map(repr, missing))}; found are {_shown(found)}"
        )
    for column in columns:
        if found.count(column) > 1:
            raise InputError(f"{path}: row 1: column {column!r} twice; remove one of them")


@contextmanager
def scanned(path: Path, *, own: bool = False, missing: Sequence[str] = ()) -> Iterator[pl.LazyFrame]:
    """Scan a file as text: all of its columns, and ROW, the line in the file; `missing` becomes null.

    It has to be collected within the context, which turns what Polars raises into a one-line InputError.
    """
    used = dialect(path, own=own)
    if not own:
        _require_whole_end(path, used)
    try:
        with reached(path), readable(path) as source:
            yield pl.scan_csv(
                source,
                separator=used.separator,
                quote_char=used.quote,
                infer_schema=False,
                null_values=list(missing) or None,
                row_index_name=ROW,
                row_index_offset=2,
            )
    except pl.exceptions.NoDataError as error:
        raise InputError(f"{path}: empty file; fetch it again") from error
    except OSError as error:
        raise damaged(path, error) from error
    except pl.exceptions.ComputeError as error:
        raise InputError(f"{path}{_why_unreadable(path, used)}; fix the file") from error


def read(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    own: bool = False,
    missing: Sequence[str] = MISSING,
) -> pl.DataFrame:
    """Read columns as text; `missing` becomes null, absent optional columns too, blank lines are skipped.

    Adds `row` (Int64), the line in the file. More columns than those asked for are ignored.
    """
    found = header(path, own=own)
    require(path, found, required)
    present = [column for column in [*required, *optional] if column in found]
    require(path, found, present)
    with scanned(path, own=own, missing=missing) as rows:
        table = looked_through(rows, [ROW, *present]).collect(engine="streaming")
    absent = [column for column in optional if column not in found]
    table = table.select(
        pl.col(ROW).cast(pl.Int64).alias("row"), *present, *[pl.lit(None, pl.String).alias(c) for c in absent]
    )
    table = table.filter(~pl.all_horizontal(pl.col(present).is_null()))
    if table.is_empty():
        raise InputError(f"{path}: a header and no rows; fetch it again")
    return table.select("row", *required, *optional)


def looked_through(rows: pl.LazyFrame, wanted: Sequence[str | pl.Expr]) -> pl.LazyFrame:
    """Select columns of scanned text, and one more that makes Polars look at all others.

    Only then does it see that a row has more fields than the header, and its values are not where they seem.
    """
    return rows.select(*wanted, pl.any_horizontal(pl.all().is_null()).alias(LOOKED))


def numbers(table: pl.DataFrame, columns: Sequence[str], path: Path) -> pl.DataFrame:
    """Turn columns into Float64; text that is no finite number is an InputError that names its row.

    NOT_AVAILABLE becomes null.
    """
    text = [column for column in columns if table.schema[column] == pl.String]
    table = table.with_columns(pl.col(text).replace(NOT_AVAILABLE, None))
    cast = table.with_columns(pl.col(columns).cast(pl.Float64, strict=False))
    finite = cast.select(pl.col(columns).is_finite().fill_null(value=False).sum()).row(0)
    for column, known, count in zip(
        columns, table.select(pl.col(columns).count()).row(0), finite, strict=True
    ):
        if count < known:
            wrong = table.filter(
                table[column].is_not_null() & ~cast[column].is_finite().fill_null(value=False)
            )
            value = wrong[column][0]
            remedy = "write a decimal point" if re.fullmatch(r"[+-]?\d+,\d+", value) else "fix the row"
            shown = " ".join(column.split())
            raise InputError(f"{path}: row {wrong['row'][0]}: {shown} is {value!r}, not a number; {remedy}")
    return cast


def identified(table: pl.DataFrame, column: str, path: Path) -> pl.DataFrame:
    """Return the table if every row has an id in `column` that no other row has, else raise InputError."""
    nameless = table.filter(pl.col(column).is_null())
    if len(nameless):
        raise InputError(f"{path}: row {nameless['row'][0]}: no {column}; fix or remove the row")
    twice = table.filter(pl.col(column).is_duplicated())
    if len(twice):
        value = twice[column][0]
        rows = twice.filter(pl.col(column) == value)["row"]
        raise InputError(
            f"{path}: rows {rows[0]} and {rows[1]}: {column} {value!r} twice; remove one of them"
        )
    return table


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[str]]:
    """Open text; bytes that are not UTF-8 become lone surrogates.

    Lines end as Polars takes them to end: not at a lone carriage return.
    """
    with content(path) as file:
        yield io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="\n")


def _records(lines: Iterator[str], used: Dialect) -> Iterator[list[str]]:
    """Split lines into fields."""
    if used.quote is None:
        return csv.reader(lines, delimiter=used.separator, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=used.separator, quotechar=used.quote, strict=True)


def undecoded(text: str) -> bool:
    """Return whether a text was read from bytes that are not UTF-8."""
    return any("\udc80" <= sign <= "\udcff" for sign in text)


def _shown(names: Sequence[str]) -> str:
    """Show the first names of a header that may be no header at all."""
    clean = ("".join(sign if sign.isprintable() else "?" for sign in name[:60]) for name in names[:20])
    return ", ".join(clean) + (", ..." if len(names) > 20 else "")


def _require_whole_end(path: Path, used: Dialect) -> None:
    """Raise InputError where a file ends within a row: no line end, and fewer fields than the header.

    Publishers end each row. A cut at the end of a row cannot be seen, nor one in the last field.
    """
    if packing_of(path) is not None:  # would have to be unpacked first, and has a checksum of its own
        return
    with reached(path), path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 2**20))
        last = file.read().rpartition(b"\n")[2].decode(errors="replace")
    if not last.strip() or (used.quote and last.count(used.quote) % 2):
        return
    fields, columns = len(next(_records(iter([last]), used))), len(header(path))
    if fields < columns and size > len(last):
        raise InputError(
            f"{path}: cut off: the last row has {fields} fields under a header of {columns}, and no line "
            "end; fetch it again"
        )


def _why_unreadable(path: Path, used: Dialect) -> str:
    """Find the first row that is too long or not UTF-8; only on the way to an error, as it is slow."""
    row = stray = 0
    try:
        with lines_of(path) as lines:
            width = None
            for row, fields in enumerate(_records(lines, used), start=1):
                width = width or len(fields)
                if len(fields) > width:
                    hint = ""
                    if row == 2 and len(fields) == width + 1:
                        hint = " (if R wrote row names, write them with col.names = NA)"
                    return f": row {row}: {len(fields)} fields under a header of {width}{hint}"
                if any(map(undecoded, fields)):
                    return f": row {row}: not UTF-8 text"
                if used.quote and not stray and any(field.count(used.quote) % 2 for field in fields):
                    stray = row
    except csv.Error:
        return f": row {row + 1}: {_CSV}"
    # What the csv module reads and Polars does not: a quotation mark within a field that has none around it.
    return (
        f": row {stray}: a stray quotation mark" if stray else ": not a delimited text file that can be read"
    )
