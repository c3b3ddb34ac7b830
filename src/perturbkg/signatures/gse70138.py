"""Read L1000 phase II from GEO, series GSE70138: 118,050 signatures, most of them of compounds."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.errors import InputError
from perturbkg.signatures._fields import members, of_another_type, read_table
from perturbkg.signatures._geo import _GEO

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

    def doses(self, path: Path, pert_type: str | None) -> pl.DataFrame:
        """Read the signature table, which has doses and times as texts alone."""
        table = read_table(path, COLUMNS)
        for column, name in (("pert_idose", "pert_dose"), ("pert_itime", "pert_time")):
            each = members(pl.col(column))
            unreadable = each.list.eval(~pl.element().str.contains(QUANTITY)).list.any()
            wrong = table.filter(unreadable & ~of_another_type(pert_type))
            if len(wrong):
                raise InputError(
                    f"{path}: row {wrong['row'][0]}: {column} is {wrong[column][0]!r}, not a number and a "
                    "unit such as '10.0 um' or '24 h'; fix the row"
                )
            # Of replicates that say different things, each part is joined again as GSE92742 joins it.
            number, unit = (
                each.list.eval(pl.element().str.extract(QUANTITY, group)).list.join("|") for group in (1, 2)
            )
            table = table.with_columns(number.alias(name), unit.alias(f"{name}_unit"))
        return table
