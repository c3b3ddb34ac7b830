"""Read baseline expression (log2) from your own table: cell lines x Entrez ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from perturbkg.baselines import Baseline, Measured
from perturbkg.errors import InputError
from perturbkg.io.delimited import given, identified, numbers
from perturbkg.io.tables import columns, read
from perturbkg.io.tallies import counted
from perturbkg.signatures import Genes


@dataclass(frozen=True)
class Table(Baseline):
    """Your own baseline."""

    files: ClassVar[dict[str, str]] = {
        "baseline": "baseline expression (log2), cell lines x Entrez ids (CSV, tab-separated or Parquet)"
    }
    sources: ClassVar[dict[str, str]] = {}
    licence: ClassVar[str] = "that of the table given"
    citation: ClassVar[str] = "where the table given comes from"

    def read(self, files: dict[str, Path], genes: Genes) -> Measured:
        """Read the cell lines in the file's order; the first column names them, other genes are ignored."""
        path = given(files, "baseline", self.files)
        found = columns(path)
        missing = [gene for gene in genes.entrez if gene not in set(found[1:])]
        if missing:
            raise InputError(
                f"{path}: row 1: no column for {len(missing)} of the {len(genes.entrez)} landmark genes; "
                f"first {', '.join(missing[:3])}; give a baseline whose columns are Entrez ids"
            )
        table = identified(read(path, [found[0], *genes.entrez], ids=found[:1]), found[0], path)
        table = numbers(table, genes.entrez, path)
        values = table.select(genes.entrez).to_numpy().astype(np.float32)
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            i, j = bad[0]
            raise InputError(
                f"{path}: row {table['row'][int(i)]}: cell line {table[found[0]][int(i)]!r} has no finite "
                f"value for gene {genes.entrez[j]} ({genes.symbol[j]}); fix or remove the row"
            )
        lines = table.select("row", cell=found[0])
        return Measured(lines, values, counted("prepare_cells", "baselines", []))
