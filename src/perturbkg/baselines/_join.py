"""Join cell lines with their baselines: the cell lines of a dataset are those that have both."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.baselines import Measured
from perturbkg.errors import InputError
from perturbkg.io.tallies import counted, excluded

STAGE = "prepare_cells"
CCLE_NAME = r"^(?:\[.*\])?([^_]+)"  # of NCIH1975_LUNG, or of [MERGED_TO_ACH-000474]NCIH1339_LUNG


@dataclass(frozen=True)
class CellLines:
    """Cell lines: `cells` (schemas.Cells) in the order of `baseline` (cells, 978) float32 log2 expression."""

    cells: pl.DataFrame
    baseline: np.ndarray
    counts: pl.DataFrame
    exclusions: pl.DataFrame


def join_baseline(known: pl.DataFrame, measured: Measured) -> CellLines:
    """Keep the cell lines of SignatureSource.cell_lines that have a baseline, sorted by name.

    A cell line's own name is tried first, then what its `ccle_name` (NCIH1975_LUNG) says before the tissue:
    L1000 calls some cell lines otherwise (H1975). Raises InputError where no cell line has a baseline.
    """
    if "ccle_name" not in known.columns:
        known = known.with_columns(ccle_name=pl.lit(None, pl.String))
    place = measured.cells.select("cell", at=pl.int_range(pl.len()))
    found = (
        known.with_columns(also=pl.col("ccle_name").str.extract(CCLE_NAME))
        .join(place, on="cell", how="left")
        .join(place.rename({"cell": "also", "at": "at_also"}), on="also", how="left")
    )
    at = pl.coalesce("at", "at_also")
    cells = (
        found.filter(at.is_not_null()).with_columns(at=at, by_name=pl.col("at").is_not_null()).sort("cell")
    )
    if cells.is_empty():
        raise InputError(
            f"cell lines: none of the {len(known)} in the cell table ({_first(known)}) is among the "
            f"{len(measured.cells)} that have a baseline ({_first(measured.cells)}); name them alike in both"
        )
    reasons = {
        "no baseline": found.filter(at.is_null()),
        "a baseline, but not in the cell table": measured.cells.filter(
            ~pl.int_range(pl.len()).is_in(cells["at"].implode())
        ),
    }
    counts = [("read", len(known)), ("no baseline", len(reasons["no baseline"])), ("kept", len(cells))]
    if known["ccle_name"].count():
        by_name = int(cells["by_name"].sum())
        counts.append(("of these: found by its own name", by_name))
        counts.append(("of these: found by its CCLE name", len(cells) - by_name))
    return CellLines(
        cells=cells.select("cell", "lineage", "disease", "description"),
        baseline=measured.values[cells["at"].to_numpy()],
        counts=pl.concat([counted(STAGE, "cell lines", counts), measured.counts]),
        exclusions=pl.concat(
            excluded(STAGE, "cell lines", table.sort("row").select("row", item="cell", reason=pl.lit(reason)))
            for reason, table in reasons.items()
        ),
    )


def _first(table: pl.DataFrame) -> str:
    """Show the first few cell lines of many."""
    return ", ".join(table["cell"].sort()[:3]) + (", ..." if len(table) > 3 else "")
