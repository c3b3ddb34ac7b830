"""Read and write matrices with labelled rows and columns: signatures, baselines, predictions.

The project's own are AnnData on disk; GCTX and plain tables are read as well.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io import gctx, h5ad, tables
from perturbkg.io.files import written_beside
from perturbkg.io.hdf5 import is_hdf5, opened
from perturbkg.io.scratch import disk_full_explained

ROWS_AT_ONCE = 4096
# Columns of a plain table that are labels of its rows, not genes: those of schemas.Selection, and more.
OBS = (
    *("signature", "drug", "cell", "dose_um", "nearest_dose_um", "time_h", "replicates", "tas"),
    *(
        "replicate_correlation",
        "merged",
        "parent",
        "scaffold",
        "is_hiq",
        "qc_pass",
        "pert_type",
        "part",
        "std",
    ),
)


def write_matrix(X: np.ndarray, obs: pl.DataFrame, var: pl.DataFrame, path: str | Path) -> None:
    """Write X (obs rows, var rows) float32; the first column of obs and of var is its index."""
    write_blocks([X], obs, var, path)


def write_blocks(
    blocks: Iterable[np.ndarray], obs: pl.DataFrame, var: pl.DataFrame, path: str | Path
) -> None:
    """Write what `write_matrix` does, of blocks of consecutive rows of X, with one in memory at a time."""
    table, row = anndata.AnnData(obs=_to_pandas(obs), var=_to_pandas(var)), 0
    with written_beside(path) as temporary, disk_full_explained(Path(path)):
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
    """Return X (rows, columns) float32, obs and var of a file in any form that `read_labels` reads."""
    obs, var = read_labels(path)
    return read_rows(path, np.arange(len(obs))), obs, var


def read_labels(path: str | Path, needed: Sequence[str] = ()) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what is known of the rows (obs) and columns (var) of a matrix, their ids being the first column.

    The form is that of the content:
    - AnnData: obs and var, their index first. Of X, layers and raw, X alone is read, dense or sparse.
    - GCTX: the ids (column `id`) and the metadata of the signatures (COL) and of the genes (ROW).
    - CSV, tab-separated or Parquet: a row for each signature, the first column being its id, whatever that
      is called, unless it holds row numbers or has no name, and there is a column `signature`. The columns
      OBS are obs, all others are genes; var is their names (column `gene`).

    Raises InputError for a file in no such form, damaged or out of reach, and where a column `needed` is
    not in obs.
    """
    if not is_hdf5(path):
        obs, var = tables.labels(Path(path), OBS)
    else:
        with opened(path) as file:
            obs, var = gctx.labels(file, path) if _is_gctx(file) else h5ad.labels(file, path, needed)
    for column in needed:
        if column not in obs.columns:
            place = "obs has" if is_hdf5(path) else "row 1:"
            raise InputError(
                f"{path}: {place} no column {column!r}; found are {', '.join(obs.columns)}; "
                f"add the {column} of each signature"
            )
    return obs, var


def read_rows(path: str | Path, rows: np.ndarray) -> np.ndarray:
    """Return some rows (by number, in any order) of the matrix of `read_labels`: (rows, columns) float32.

    HDF5 is read in blocks, as h5py picks single rows slowly; of other files all rows are read. Values may
    be NaN or infinite. Raises InputError for text that is not a number.
    """
    if not is_hdf5(path):
        return tables.values(Path(path), OBS)[rows]
    with opened(path) as file:
        X = gctx.dataset(file, gctx.MATRIX, path) if _is_gctx(file) else h5ad.stored(file, path)
        result = np.empty((len(rows), X.shape[1]), dtype=np.float32)
        for start in range(0, X.shape[0], ROWS_AT_ONCE):
            inside = np.flatnonzero((rows >= start) & (rows < start + ROWS_AT_ONCE))
            if len(inside):
                result[inside] = X[start : start + ROWS_AT_ONCE][rows[inside] - start]
    return result


def places(path: str | Path, entries: Sequence[int]) -> str:
    """Return where rows of `read_labels` are: rows of the file, or entries, from 1, if it has no rows."""
    if is_hdf5(path):
        return "entries " + " and ".join(str(entry + 1) for entry in entries)
    rows = tables.row_numbers(Path(path))
    return "rows " + " and ".join(str(rows[entry]) for entry in entries)


def _is_gctx(file: h5py.File) -> bool:
    return "0" in file


# Polars' own conversions need pyarrow; these columns are few and plain.
def _to_pandas(table: pl.DataFrame) -> pd.DataFrame:
    """Turn a table into a frame indexed by its first column; a null number becomes NaN."""
    index, *columns = table.get_columns()
    return pd.DataFrame(
        {column.name: column.to_numpy() for column in columns},
        index=pd.Index(index.to_numpy(), name=index.name),
    )
