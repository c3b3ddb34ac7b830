"""Read baseline expression: a tab-separated table, one cell line a row, one Entrez id a column."""

from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import header, identified, numbers, read
from perturbkg.signatures import Genes


def read_baseline(path: Path, genes: Genes) -> tuple[pl.DataFrame, np.ndarray]:
    """Return the cell lines (row, cell) in the file's order and their log2 expression (cells, 978) float32.

    The first column names the cell line; columns of other genes are ignored.
    """
    found = header(path, "\t", None)
    missing = [gene for gene in genes.entrez if gene not in set(found[1:])]
    if missing:
        raise InputError(
            f"{path}: row 1: no column for {len(missing)} of the {len(genes.entrez)} landmark genes; first "
            f"{', '.join(missing[:3])}; give a baseline whose columns are Entrez ids"
        )
    table = identified(read(path, [found[0], *genes.entrez]), found[0], path)
    table = numbers(table, genes.entrez, path)
    values = table.select(genes.entrez).to_numpy().astype(np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        i, j = bad[0]
        raise InputError(
            f"{path}: row {table['row'][int(i)]}: cell line {table[found[0]][int(i)]!r} has no finite value "
            f"for gene {genes.entrez[j]} ({genes.symbol[j]}); mend or remove the row"
        )
    return table.select("row", cell=found[0]), values
