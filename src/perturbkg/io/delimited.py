"""Read other people's delimited text, plain or .gz, every value as text, with errors a user can act on.

Rows are numbered as in the file: the header is row 1.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from perturbkg.errors import InputError

# The CMap tables write -666 where nothing is known.
MISSING = ("", "-666", "-666.0", "NaN", "nan")
# A file may have columns of its own called so without the space.
ROW, LOOKED = " row", " looked"
# What the csv module refuses when it is strict.
_CSV = "a quotation mark that is not closed, a line end within a field, or more than 131,072 signs in one"


def given(files: Mapping[str, str | Path], key: str, described: Mapping[str, str]) -> Path:
    """Return the path of a file key; a missing key or file is an InputError that says what it should be."""
    if key not in files:
        raise InputError(f"files: no key {key!r}; give the path of: {described[key]}")
    path = Path(files[key])
    if not path.is_file():
        raise InputError(f"{path}: no such file; files.{key} must be: {described[key]}")
    return path


@contextmanager
def explained(path: Path, separator: str = ",", quote: str | None = '"') -> Iterator[None]:
    """Turn what Polars raises while it reads `path` into a one-line InputError."""
    try:
        yield
    except pl.exceptions.NoDataError as error:
        raise InputError(f"{path}: empty file; fetch it again") from error
    except OSError as error:
        raise InputError(f"{path}: truncated or damaged ({error}); fetch it again") from error
    except pl.exceptions.ComputeError as error:
        raise InputError(f"{path}{_why_unreadable(path, separator, quote)}; mend the file") from error


def header(path: Path, separator: str = ",", quote: str | None = '"') -> list[str]:
    """Return the column names of a file without reading the rest."""
    try:
        with _opened(path) as lines:
            names = next(_records(lines, separator, quote), None)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: truncated or damaged ({error}); fetch it again") from error
    except csv.Error as error:
        raise InputError(f"{path}: row 1: no header ({_CSV}); give another file") from error
    if names is None:
        raise InputError(f"{path}: empty file; fetch it again")
    if not names:
        raise InputError(f"{path}: row 1: empty; the names of the columns must stand there")
    return names


def require(path: Path, found: Sequence[str], columns: Sequence[str]) -> None:
    """Raise InputError unless each of `columns` stands in the header of `path`, and none of them twice."""
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


def read(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    separator: str = "\t",
    quote: str | None = None,
    missing: Sequence[str] = MISSING,
) -> pl.DataFrame:
    """Read columns as text; `missing` becomes null, absent optional columns too, blank lines are skipped.

    Adds `row` (Int64), the line in the file. More columns than those asked for are ignored.
    """
    found = header(path, separator, quote)
    require(path, found, required)
    present = [column for column in [*required, *optional] if column in found]
    require(path, found, present)
    with explained(path, separator, quote):
        scanned = pl.scan_csv(
            path,
            separator=separator,
            quote_char=quote,
            infer_schema=False,
            null_values=list(missing),
            row_index_name=ROW,
            row_index_offset=2,
        )
        table = looked_through(scanned, [ROW, *present]).collect(engine="streaming")
    absent = [column for column in optional if column not in found]
    table = table.select(
        pl.col(ROW).cast(pl.Int64).alias("row"), *present, *[pl.lit(None, pl.String).alias(c) for c in absent]
    )
    table = table.filter(~pl.all_horizontal(pl.col(present).is_null()))
    if table.is_empty():
        raise InputError(f"{path}: a header and no rows; fetch it again")
    return table.select("row", *required, *optional)


def looked_through(scanned: pl.LazyFrame, wanted: Sequence[str | pl.Expr]) -> pl.LazyFrame:
    """Select columns of scanned text, and one more that makes Polars look at all others.

    Only then does it see that a row has more fields than the header, and its values are not where they seem.
    """
    return scanned.select(*wanted, pl.any_horizontal(pl.all().is_null()).alias(LOOKED))


def numbers(table: pl.DataFrame, columns: Sequence[str], path: Path) -> pl.DataFrame:
    """Turn text columns into Float64; text that is no finite number is an InputError that names its row."""
    cast = table.with_columns(pl.col(columns).cast(pl.Float64, strict=False))
    finite = cast.select(pl.col(columns).is_finite().fill_null(value=False).sum()).row(0)
    for column, known, count in zip(
        columns, table.select(pl.col(columns).count()).row(0), finite, strict=True
    ):
        if count < known:
            wrong = table.filter(
                table[column].is_not_null() & ~cast[column].is_finite().fill_null(value=False)
            )
            raise InputError(
                f"{path}: row {wrong['row'][0]}: {column} is {wrong[column][0]!r}, not a number; mend the row"
            )
    return cast


def identified(table: pl.DataFrame, column: str, path: Path) -> pl.DataFrame:
    """Return the table if every row has an id in `column` that no other row has, else raise InputError."""
    nameless = table.filter(pl.col(column).is_null())
    if len(nameless):
        raise InputError(f"{path}: row {nameless['row'][0]}: no {column}; mend or remove the row")
    twice = table.filter(pl.col(column).is_duplicated())
    if len(twice):
        value = twice[column][0]
        rows = twice.filter(pl.col(column) == value)["row"]
        raise InputError(
            f"{path}: rows {rows[0]} and {rows[1]}: {column} {value!r} twice; remove one of them"
        )
    return table


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    """Open text, plain or gzip by its first bytes; bytes that are no UTF-8 become lone surrogates.

    Lines end as Polars takes them to end: not at a lone carriage return.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with (
        gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="\n")
        if zipped
        else path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n")
    ) as lines:
        yield lines


def _records(lines: Iterator[str], separator: str, quote: str | None) -> Iterator[list[str]]:
    """Split lines into fields."""
    if quote is None:
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=separator, quotechar=quote, strict=True)


def undecoded(text: str) -> bool:
    """Tell whether bytes that are no UTF-8 stand in a text."""
    return any("\udc80" <= sign <= "\udcff" for sign in text)


def _shown(names: Sequence[str]) -> str:
    """Show the first names of a header that may be no header at all."""
    clean = ("".join(sign if sign.isprintable() else "?" for sign in name[:60]) for name in names[:20])
    return ", ".join(clean) + (", ..." if len(names) > 20 else "")


def _why_unreadable(path: Path, separator: str, quote: str | None) -> str:
    """Find the first row that is too long or no UTF-8; only on the way to an error, as it is slow."""
    row = stray = 0
    try:
        with _opened(path) as lines:
            width = None
            for row, fields in enumerate(_records(lines, separator, quote), start=1):
                width = width or len(fields)
                if len(fields) > width:
                    return f": row {row}: {len(fields)} fields under a header of {width}"
                if any(map(undecoded, fields)):
                    return f": row {row}: not UTF-8 text"
                if quote and not stray and any(field.count(quote) % 2 for field in fields):
                    stray = row
    except csv.Error:
        return f": row {row + 1}: {_CSV}"
    except (OSError, EOFError) as error:
        return f": after row {row}: damaged ({error})"
    # What the csv module reads and Polars does not: a quotation mark within a field that has none around it.
    return (
        f": row {stray}: a stray quotation mark" if stray else ": not a delimited text file that can be read"
    )
