"""Mean training profiles of the cell lines, which the centred metrics subtract."""

from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

from perturbkg.errors import InputError
from perturbkg.io.matrices import ROWS_AT_ONCE, read_rows


def mean_profiles(
    path: str | Path, signatures: pl.DataFrame, cells: pl.DataFrame
) -> tuple[np.ndarray, pl.DataFrame]:
    """Return the mean training profile of each cell line (cells, genes) float32, and cell, signatures (int).

    `signatures` are the rows of signatures.h5ad (`path`), read in blocks, with their `part`. Rows are
    the cell lines that occur in it, in the order of `cells`; raises InputError for one that `cells` lacks.

    ASSUME: a cell line without a training signature gets the mean of the training cell lines' means.
    """
    present = cells.filter(pl.col("cell").is_in(signatures["cell"].unique().to_list()))["cell"]
    missing = sorted(set(signatures["cell"]) - set(present))
    if missing:
        raise InputError(f"{path}: cell line {missing[0]} is not in cells.parquet; prepare the cells again")
    number = dict(zip(present, range(len(present)), strict=True))
    cell = signatures["cell"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    train = np.flatnonzero(signatures["part"] == "train")
    total: np.ndarray | float = 0.0
    for start in range(0, len(train), ROWS_AT_ONCE):
        rows = train[start : start + ROWS_AT_ONCE]
        member = sp.csr_array(
            (np.ones(len(rows)), (cell[rows], np.arange(len(rows)))), shape=(len(present), len(rows))
        )
        total = total + member @ read_rows(path, rows).astype(np.float64)
    count = np.bincount(cell[train], minlength=len(present))
    means = total / np.maximum(count, 1)[:, None]
    means[count == 0] = means[count > 0].mean(axis=0)
    return means.astype(np.float32), pl.DataFrame({"cell": present, "signatures": count})
