"""Read L1000 phase I from GEO, series GSE92742: 473,647 signatures of compounds, genes and ligands."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.signatures._fields import read_table
from perturbkg.signatures._geo import _GEO

COLUMNS = ("sig_id", "pert_id", "cell_id", "pert_type", "pert_dose", "pert_time")
UNITS = ("pert_dose_unit", "pert_time_unit")


@dataclass(frozen=True)
class GSE92742(_GEO):
    """GSE92742 Level 5 (MODZ) signatures."""

    sources: ClassVar[dict[str, str]] = {
        "gctx": "gse92742_level5",
        "siginfo": "gse92742_sig",
        "metrics": "gse92742_metrics",
        "compoundinfo": "gse92742_pert",
        "cellinfo": "gse92742_cell",
        "geneinfo": "gse92742_gene",
        "targets": "lincs2020_compoundinfo",
    }

    def doses(self, path: Path, pert_type: str | None) -> pl.DataFrame:
        """Read the signature table, which has numbers and units in columns of their own."""
        return read_table(path, COLUMNS, UNITS)
