"""Join cell lines with their baselines: the cell lines of a dataset are those that have both."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.baselines import Measured
from perturbkg.io.tallies import counted, excluded

STAGE = "prepare_cells"


@dataclass(frozen=True)
class CellLines:
    """Cell lines: `cells` (schemas.Cells) in the order of `baseline` (cells, 978) float32 log2 expression."""

    cells: pl.DataFrame
    baseline: np.ndarray
    counts: pl.DataFrame
    exclusions: pl.DataFrame


def join_baseline(known: pl.DataFrame, measured: Measured) -> CellLines:
    """Keep the cell lines of SignatureSource.cell_lines that have a baseline, sorted by name."""
    cells = known.join(measured.cells.with_row_index("at").drop("row"), on="cell").sort("cell")
    reasons = {
        "no baseline": known.join(measured.cells, on="cell", how="anti"),
        "a baseline, but not in the cell table": measured.cells.join(known, on="cell", how="anti"),
    }
    counts = [("read", len(known)), ("no baseline", len(reasons["no baseline"])), ("kept", len(cells))]
    return CellLines(
        cells=cells.select("cell", "lineage", "disease", "description"),
        baseline=measured.values[cells["at"].to_numpy()],
        counts=pl.concat([counted(STAGE, "cell lines", counts), measured.counts]),
        exclusions=pl.concat(
            excluded(STAGE, "cell lines", table.sort("row").select("row", item="cell", reason=pl.lit(reason)))
            for reason, table in reasons.items()
        ),
    )
