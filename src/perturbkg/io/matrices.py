"""Read and write the profile matrices (AnnData on disk: signatures, baselines, predictions)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import polars as pl
from anndata.io import read_elem, sparse_dataset

from perturbkg.errors import InputError
from perturbkg.io.files import written_beside
from perturbkg.io.scratch import disk_full_told

ROWS_AT_ONCE = 4096


def write_matrix(X: np.ndarray, obs: pl.DataFrame, var: pl.DataFrame, path: str | Path) -> None:
    """Write X (obs rows, var rows) float32; the first column of obs and of var is its index."""
    write_blocks([X], obs, var, path)


def write_blocks(
    blocks: Iterable[np.ndarray], obs: pl.DataFrame, var: pl.DataFrame, path: str | Path
) -> None:
    """Write what `write_matrix` does, of blocks of consecutive rows of X, with one in memory at a time."""
    table, row = anndata.AnnData(obs=_to_pandas(obs), var=_to_pandas(var)), 0
    with written_beside(path) as temporary, disk_full_told(Path(path)):
        table.write_h5ad(temporary)
        with h5py.File(temporary, "r+") as file:
            X = file.create_dataset("X", table.shape, np.float32)
            X.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            for block in blocks:
                if block.shape[1:] != X.shape[1:] or row + len(block) > len(X):
                    raise ValueError(f"a block of {block.shape} at row {row} of {X.shape}")
                X[row : row + len(block)] = block
                row += len(block)
        if row < len(obs):
            raise ValueError(f"{row} rows of {len(obs)} were given")


def read_matrix(path: str | Path) -> tuple[np.ndarray, pl.DataFrame, pl.DataFrame]:
    """Return X (rows, columns) float32, obs and var, their index being the first column."""
    obs, var = read_labels(path)
    return read_rows(path, np.arange(len(obs))), obs, var


def read_labels(path: str | Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return obs and var, their index being the first column, and leave X on disk."""
    with _opened(path) as file:
        obs, var, X = read_elem(file["obs"]), read_elem(file["var"]), file["X"]
        shape = tuple(X.attrs["shape"]) if isinstance(X, h5py.Group) else X.shape
        if shape != (len(obs), len(var)):
            raise InputError(
                f"{path}: X is {' x '.join(map(str, shape))}, obs has {len(obs)} rows and var {len(var)}; "
                "write the file again"
            )
        values = X["data"] if isinstance(X, h5py.Group) else X
        if values.dtype.kind not in "fiub":
            raise InputError(f"{path}: X holds {values.dtype}, not numbers; write the file again")
    return _to_polars(obs), _to_polars(var)


def read_rows(path: str | Path, rows: np.ndarray) -> np.ndarray:
    """Return some rows of X (rows, columns) float32, reading it in blocks: h5py picks single rows slowly."""
    with _opened(path) as file:
        sparse = isinstance(file["X"], h5py.Group)
        X = sparse_dataset(file["X"]) if sparse else file["X"]
        result = np.empty((len(rows), X.shape[1]), dtype=np.float32)
        for start in range(0, X.shape[0], ROWS_AT_ONCE):
            inside = np.flatnonzero((rows >= start) & (rows < start + ROWS_AT_ONCE))
            if len(inside):
                block = X[start : start + ROWS_AT_ONCE]
                result[inside] = (block.toarray() if sparse else block)[rows[inside] - start]
    return result


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    """Open an AnnData file to read; raise InputError where it is not one, or not whole."""
    try:
        with h5py.File(path, "r") as file:
            if not {"X", "obs", "var"} <= set(file):
                raise InputError(f"{path}: not an AnnData file: X, obs or var is missing")
            yield file
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({' '.join(str(error).split())})") from error


# Polars' own conversions need pyarrow; these columns are few and plain.
def _to_pandas(table: pl.DataFrame) -> pd.DataFrame:
    """Turn a table into a frame indexed by its first column; a null number becomes NaN."""
    index, *columns = table.get_columns()
    return pd.DataFrame(
        {column.name: column.to_numpy() for column in columns},
        index=pd.Index(index.to_numpy(), name=index.name),
    )


def _to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Turn a frame into a table, its index first; categories become their values, NaN and NA null."""
    index = pd.Series(frame.index, name=frame.index.name or "index")
    # AnnData also writes an index that stands among the columns, if both are the same.
    columns = [frame[name] for name in frame.columns if name != index.name]
    return pl.DataFrame([_to_series(str(column.name), column) for column in [index, *columns]])


def _to_series(name: str, column: pd.Series) -> pl.Series:
    """Turn a column read from disk into a series with nulls."""
    values = column.to_numpy()
    if values.dtype != object:
        return pl.Series(name, values, nan_to_null=True)
    # Text, or what may be absent: categories, nullable booleans and numbers.
    known = [None if absent else value for value, absent in zip(values, column.isna(), strict=True)]
    return pl.Series(name, known, dtype=None if any(value is not None for value in known) else pl.String)
