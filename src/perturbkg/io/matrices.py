"""Read and write the profile matrices (AnnData on disk: signatures, baselines, predictions)."""

from pathlib import Path

import anndata
import numpy as np
import polars as pl

from perturbkg.io.files import written_beside


def write_matrix(X: np.ndarray, obs: pl.DataFrame, var: pl.DataFrame, path: str | Path) -> None:
    """Write X (obs rows, var rows) float32; the first column of obs and of var is its index."""
    table = anndata.AnnData(
        X=np.ascontiguousarray(X, dtype=np.float32),
        obs=obs.to_pandas().set_index(obs.columns[0]),
        var=var.to_pandas().set_index(var.columns[0]),
    )
    with written_beside(path) as temporary:
        table.write_h5ad(temporary)


def read_matrix(path: str | Path) -> tuple[np.ndarray, pl.DataFrame, pl.DataFrame]:
    """Return X (rows, columns) float32, obs and var, their index being the first column."""
    table = anndata.read_h5ad(path)
    return (
        np.asarray(table.X, dtype=np.float32),
        pl.from_pandas(table.obs.reset_index()),
        pl.from_pandas(table.var.reset_index()),
    )
