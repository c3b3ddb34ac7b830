"""Read AnnData files (HDF5): obs, var and rows of X, as any version of anndata wrote them.

https://anndata.readthedocs.io/en/stable/fileformat-prose.html describes the format. Before version 0.7 obs
and var were tables of records, whose first field is the index; the categories of a column were in uns.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import polars as pl
from anndata.io import read_elem, sparse_dataset

from perturbkg.errors import InputError
from perturbkg.io.hdf5 import require_stored

_log = logging.getLogger(__name__)


def labels(
    file: h5py.File, path: str | Path, needed: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return obs and var, their index first; X must be of their shape and hold numbers.

    A column that anndata cannot read, such as one of a later version, is left out with a warning, unless it
    is `needed`.
    """
    if not {"obs", "var"} <= set(file):
        raise InputError(f"{path}: not an AnnData file: obs or var is missing")
    X = stored(file, path)
    obs, var = (_table(file, key, path, needed) for key in ("obs", "var"))
    if X.shape != (len(obs), len(var)):
        raise InputError(
            f"{path}: X is {' x '.join(map(str, X.shape))}, obs has {len(obs)} rows and var {len(var)}; "
            "write the file again"
        )
    if X.dtype.kind not in "fiub":
        raise InputError(f"{path}: X holds {X.dtype}, not numbers; write the file again")
    return obs, var


def stored(file: h5py.File, path: str | Path) -> Any:
    """Return X on disk: what has a shape (rows, columns), a dtype, and X[start:stop], an array of rows."""
    X = file.get("X")
    if isinstance(X, h5py.Group):
        return _Sparse(X, path)
    if X is None or X.shape is None:
        raise InputError(_without_values(file, path))
    return require_stored(X, path)


class _Sparse:
    """A sparse matrix on disk, whose rows are read as an array."""

    def __init__(self, group: h5py.Group, path: str | Path) -> None:
        for part in ("data", "indices", "indptr"):
            if not isinstance(group.get(part), h5py.Dataset):
                raise InputError(
                    f"{path}: {group.name} lacks {part!r} of a sparse matrix; write the file again"
                )
            require_stored(group[part], path)
        self._name = f"{path}: {group.name}"
        self._on_disk = self._sound(sparse_dataset, group)
        self.shape, self.dtype = self._on_disk.shape, group["data"].dtype
        # A matrix stored by columns has to be read whole to get at its rows.
        self._rows: Any = self._on_disk if self._on_disk.format == "csr" else None

    def __getitem__(self, rows: slice) -> np.ndarray:
        if self._rows is None:
            self._rows = self._sound(lambda: self._checked(self._on_disk.to_memory()).tocsr())
        return self._sound(lambda: self._checked(self._rows[rows]).toarray())

    @staticmethod
    def _checked(matrix: Any) -> Any:
        matrix.check_format(full_check=True)  # SciPy would write outside of the array
        return matrix

    def _sound(self, read: Callable[..., Any], *given: Any) -> Any:
        try:
            return read(*given)
        except (ValueError, IndexError, KeyError, TypeError) as error:
            raise InputError(
                f"{self._name}: damaged sparse matrix ({error}); write the file again"
            ) from error


def _without_values(file: h5py.File, path: str | Path) -> str:
    """Return what a user is to do about a file without X."""
    layers = list(file["layers"]) if isinstance(file.get("layers"), h5py.Group) else []
    elsewhere = [f"adata.layers[{name!r}]" for name in layers]
    if "raw" in file or "raw.X" in file:
        elsewhere.append("adata.raw.to_adata().X")
    if not elsewhere:
        return f"{path}: X is empty, and so are layers and raw; set X to the deltas and write the file again"
    return (
        f"{path}: X is empty; set it to the deltas and write the file again, for example "
        f"adata.X = {elsewhere[0]} (the file has {', '.join(elsewhere)})"
    )


def _table(file: h5py.File, key: str, path: str | Path, needed: Sequence[str]) -> pl.DataFrame:
    """Return obs or var, its index first."""
    found = file.get(key)
    if isinstance(found, h5py.Dataset) and found.dtype.names:
        return _records(file, require_stored(found, path), path)
    if not isinstance(found, h5py.Group) or not {"_index", "column-order"} <= set(found.attrs):
        raise InputError(f"{path}: {key} is not a table of AnnData; write the file again with anndata")
    index = found.attrs["_index"]
    if not isinstance(index, str):
        raise InputError(f"{path}: {key} does not name its index; write the file again with anndata")
    columns = [_series("index" if index == "_index" else index, _column(found, index, path))]
    # AnnData also writes an index that is one of the columns, if both are the same.
    for name in (name for name in map(str, np.ravel(found.attrs["column-order"])) if name != index):
        try:
            columns.append(_series(name, _column(found, name, path)))
        except _UnreadableError as error:
            if name in needed:
                raise
            _log.warning("%s; the column is left out", error)
    for column in columns:
        if len(column) != len(columns[0]):
            raise InputError(
                f"{path}: {key}/{column.name} has {len(column)} rows, the index {len(columns[0])}; "
                "write the file again"
            )
    return pl.DataFrame(columns)


class _UnreadableError(InputError):
    """A column that is whole, and that anndata cannot read."""


def _column(table: h5py.Group, name: str, path: str | Path) -> pd.Series:
    """Read a column of obs or var."""
    named = f"{path}: {table.name}/{name}"
    part = table.get(name)
    if not isinstance(part, h5py.Dataset | h5py.Group):
        raise InputError(f"{named} is missing in the file, but listed as a column; write the file again")
    for data in [part] if isinstance(part, h5py.Dataset) else part.values():
        if isinstance(data, h5py.Dataset):
            require_stored(data, path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of the file's age
            column = read_elem(part)
            if "categories" in part.attrs:  # anndata 0.7
                column = pd.Categorical.from_codes(column, read_elem(table[part.attrs["categories"]]))
        return pd.Series(column)
    except OSError:
        raise
    except Exception as error:  # anndata raises its own and many other kinds of error
        reason = " ".join(str(error).split())
        raise _UnreadableError(
            f"{named}: cannot be read ({reason}); write the file again with anndata {version('anndata')}"
        ) from error


def _records(file: h5py.File, data: h5py.Dataset, path: str | Path) -> pl.DataFrame:
    """Read obs or var as anndata before 0.7 wrote it."""
    columns = []
    for name in data.dtype.names:
        values = data[name]
        if values.dtype.kind in "SO":
            text = [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
            values = np.array(text, dtype=object)
        categories = file.get(f"uns/{name}_categories")
        if isinstance(categories, h5py.Dataset) and values.dtype.kind in "iu":
            values = pd.Categorical.from_codes(values, require_stored(categories, path).asstr()[()])
        columns.append(_series(name, pd.Series(values)))
    return pl.DataFrame(columns)


def _series(name: str, column: pd.Series) -> pl.Series:
    """Turn a column read from disk into a series; categories become their values, NaN and NA null."""
    values = column.to_numpy()
    if values.dtype != object:
        return pl.Series(name, values, nan_to_null=True)
    # Text, or what may be absent: categories, nullable booleans and numbers.
    known = [None if absent else value for value, absent in zip(values, column.isna(), strict=True)]
    return pl.Series(name, known, dtype=None if any(value is not None for value in known) else pl.String)
