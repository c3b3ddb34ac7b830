"""Read and write the profile matrices (AnnData on disk: signatures, baselines, predictions)."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import polars as pl

from perturbkg.io.files import written_beside


def write_matrix(X: np.ndarray, obs: pl.DataFrame, var: pl.DataFrame, path: str | Path) -> None:
    """Write X (obs rows, var rows) float32; the first column of obs and of var is its index."""
    table = anndata.AnnData(
        X=np.ascontiguousarray(X, dtype=np.float32), obs=_to_pandas(obs), var=_to_pandas(var)
    )
    with written_beside(path) as temporary:
        table.write_h5ad(temporary)


def read_matrix(path: str | Path) -> tuple[np.ndarray, pl.DataFrame, pl.DataFrame]:
    """Return X (rows, columns) float32, obs and var, their index being the first column."""
    table = anndata.read_h5ad(path)
    return np.asarray(table.X, dtype=np.float32), _to_polars(table.obs), _to_polars(table.var)


# Polars' own conversions need pyarrow; these columns are few and plain.
def _to_pandas(table: pl.DataFrame) -> pd.DataFrame:
    """Turn a table into a frame indexed by its first column; a null number becomes NaN."""
    index, *columns = table.get_columns()
    return pd.DataFrame(
        {column.name: column.to_numpy() for column in columns},
        index=pd.Index(index.to_numpy(), name=index.name),
    )


def _to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Turn a frame into a table, its index first; categories become strings, NaN becomes null."""
    frame = frame.reset_index()
    return pl.DataFrame([_to_series(str(name), np.asarray(frame[name])) for name in frame.columns])


def _to_series(name: str, values: np.ndarray) -> pl.Series:
    """Turn a column read from disk into a series with nulls."""
    if values.dtype == object:
        strings = [value if isinstance(value, str) else None for value in values]
        return pl.Series(name, strings, dtype=pl.String)
    return pl.Series(name, values, nan_to_null=True)
