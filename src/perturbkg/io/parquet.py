"""Say in one line why a Parquet file cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.files import reached

# Polars panics over some damage instead of raising an error.
DAMAGED = (
    pl.exceptions.ComputeError,
    pl.exceptions.InvalidOperationError,
    pl.exceptions.PanicException,
)


@contextmanager
def explained(path: str | Path) -> Iterator[None]:
    """Turn what Polars raises while it reads `path` into a one-line InputError."""
    try:
        with reached(path):
            yield
    except (*DAMAGED, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: truncated or damaged Parquet file, or not one ({reason}); fetch or make it again"
        ) from error
