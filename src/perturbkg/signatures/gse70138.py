"""Read L1000 phase II from GEO, series GSE70138: 118,050 signatures, most of them of compounds."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import read
from perturbkg.signatures._geo import _GEO, NOTHING

COLUMNS = ("sig_id", "pert_id", "cell_id", "pert_type", "pert_idose", "pert_itime")
QUANTITY = r"^([0-9.eE+-]+)\s*(\D+)$"  # "10.0 um", "24 h"


@dataclass(frozen=True)
class GSE70138(_GEO):
    """GSE70138 Level 5 (MODZ) signatures."""

    sources: ClassVar[dict[str, str]] = {
        "gctx": "gse70138_level5",
        "siginfo": "gse70138_sig",
        "metrics": "gse70138_metrics",
        "compoundinfo": "gse70138_pert",
        "cellinfo": "gse70138_cell",
        "geneinfo": "gse70138_gene",
        "targets": "lincs2020_compoundinfo",
    }

    def doses(self, path: Path) -> pl.DataFrame:
        """Read the signature table, which has doses and times as texts alone."""
        table = read(path, COLUMNS, missing=NOTHING)
        for column, name in (("pert_idose", "pert_dose"), ("pert_itime", "pert_time")):
            parts = table[column].str.strip_chars().str.extract_groups(QUANTITY)
            table = table.with_columns(
                parts.struct.field("1").alias(name), parts.struct.field("2").alias(f"{name}_unit")
            )
            wrong = table.filter(pl.col(column).is_not_null() & pl.col(name).is_null())
            if len(wrong):
                raise InputError(
                    f"{path}: row {wrong['row'][0]}: {column} is {wrong[column][0]!r}, not a number and a "
                    "unit such as '10.0 um' or '24 h'; mend the row"
                )
        return table
