"""Scan other people's Parquet files, with errors a user can act on."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.parquet import explained


def scan(path: Path, columns: Sequence[str], others: Sequence[str] = ()) -> pl.LazyFrame:
    """Scan a file with `columns` of text and `others`; raise InputError where it has not, or has no rows."""
    with explained(path):
        types = pl.read_parquet_schema(path)
        missing = [column for column in [*columns, *others] if column not in types]
        if missing:
            raise InputError(
                f"{path}: no column {', '.join(map(repr, missing))}; found are {', '.join([*types][:20])}; "
                "give another file"
            )
        for column in columns:
            if not isinstance(types[column], pl.String | pl.Categorical | pl.Enum | pl.Null):
                raise InputError(f"{path}: column {column!r} is {types[column]}, not text; give another file")
        rows = pl.scan_parquet(path)
        if not rows.select(pl.len()).collect().item():
            raise InputError(f"{path}: no rows; fetch it again")
    return rows
