"""Tables that meet a schema of pandera, or are refused in one line; written atomically."""

from collections.abc import Callable
from pathlib import Path

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from perturbkg.errors import InputError
from perturbkg.io.files import written_beside
from perturbkg.io.parquet import explained


class Table(pa.DataFrameModel):
    """A closed table: no column more, none less, in this order."""

    class Config:
        """Pandera options."""

        strict = True
        ordered = True


def check(table: pl.DataFrame, schema: type[Table], name: str) -> pl.DataFrame:
    """Return the table if it meets its schema, else raise InputError in one line that names it."""
    try:
        return schema.validate(table)
    except (SchemaError, SchemaErrors) as error:
        first = " ".join(str(error).split())
        raise InputError(f"{name}: not a {schema.__name__} table: {first[:300]}") from error


Writer = Callable[[pl.DataFrame, Path], object]
WRITERS: dict[str, Writer] = {
    ".parquet": pl.DataFrame.write_parquet,
    ".csv": pl.DataFrame.write_csv,
    ".json": pl.DataFrame.write_json,
}


def writer(path: str | Path) -> Writer:
    """Return what writes a table in the format that a file name asks for, or raise InputError."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise InputError(f"{path}: tables are written as {', '.join(WRITERS)}; end the name in one of these")
    return WRITERS[suffix]


def write(
    table: pl.DataFrame,
    schema: type[Table],
    path: str | Path,
    writer: Writer = pl.DataFrame.write_parquet,
) -> None:
    """Check a table and write it atomically, as Parquet unless `writer` writes something else."""
    checked = check(table, schema, str(path))
    with written_beside(path) as temporary:
        writer(checked, temporary)


def read(path: str | Path, schema: type[Table]) -> pl.DataFrame:
    """Read a Parquet table that another rule wrote, and check it."""
    with explained(path):
        table = pl.read_parquet(path)
    return check(table, schema, str(path))
