"""Skeleton: say in one sentence whose expression this reads, and from which files."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from perturbkg.baselines import Baseline, Measured
from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.delimited import given, identified, numbers
from perturbkg.io.tallies import counted
from perturbkg.signatures import Genes


@dataclass(frozen=True)
class Skeleton(Baseline):
    """Say what the numbers are: here, a table of log2 expression, a cell line each row."""

    # File key -> what the file is. A config gives its path: `files: {skeleton: path}`.
    files: ClassVar[dict[str, str]] = {
        "skeleton": "baselines: cell, and a column of log2 expression for each Entrez id"
    }
    # File key -> its name in sources/catalogue.yaml, if `source: download` is to fetch it.
    sources: ClassVar[dict[str, str]] = {}
    licence: ClassVar[str] = "say on which terms the baselines may be used"
    citation: ClassVar[str] = "say what to cite"

    def read(self, files: dict[str, Path], genes: Genes) -> Measured:
        """Read cell lines and their expression of the landmark genes, in the order of `genes`."""
        path = given(files, "skeleton", self.files)
        table = identified(tables.read(path, ["cell", *genes.entrez]), "cell", path)
        values = numbers(table, genes.entrez, path).select(genes.entrez).to_numpy().astype(np.float32)
        if len(bad := np.argwhere(~np.isfinite(values))):
            row, gene = bad[0]
            raise InputError(
                f"{path}: row {table['row'][int(row)]}: no value of gene {genes.entrez[gene]}; "
                "fix or remove the row"
            )
        lines = table.select("row", "cell")
        counts = [("read", len(lines)), ("kept", len(lines))]
        return Measured(lines, values, counted("prepare_cells", "baselines", counts))
