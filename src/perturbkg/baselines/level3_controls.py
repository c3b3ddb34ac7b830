"""Make baseline expression of vehicle wells (LINCS 2020 Level 3): those that no target is compared with."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.baselines import Baseline, Measured
from perturbkg.io.delimited import given
from perturbkg.io.tallies import counted
from perturbkg.signatures import Genes
from perturbkg.signatures._wells import BASELINE, mean_profiles, vehicle_wells

STAGE = "prepare_cells"


@dataclass(frozen=True)
class Level3Controls(Baseline):
    """The mean over the vehicle wells of a cell line, of the half of each plate that is for baselines.

    ASSUME plates, times and batches average out. One well makes a baseline; how many there are is counted.
    """

    files: ClassVar[dict[str, str]] = {
        "instinfo": "well table, instinfo_beta.txt",
        "level3_ctl": "Level 3 profiles of control wells, level3_beta_ctl_n*x12328.gctx",
    }
    sources: ClassVar[dict[str, str]] = {
        "instinfo": "lincs2020_instinfo",
        "level3_ctl": "lincs2020_level3_ctl",
    }
    licence: ClassVar[str] = "CC BY 4.0"
    citation: ClassVar[str] = (
        "Subramanian et al.: A Next Generation Connectivity Map: L1000 Platform and the First 1,000,000 "
        "Profiles. Cell 171, 1437-1452 (2017). doi:10.1016/j.cell.2017.10.049"
    )

    def read(self, files: dict[str, Path], genes: Genes) -> Measured:
        """Read the cell lines by name."""
        instinfo, level3_ctl = (given(files, key, self.files) for key in self.files)
        halves, tally = vehicle_wells(instinfo, level3_ctl)
        wells = halves.filter(pl.col("half") == BASELINE)
        cells = wells.group_by("cell").len().sort("cell").with_row_index("number")
        number = wells.join(cells, on="cell", maintain_order="left")["number"]
        values = mean_profiles(level3_ctl, wells["sample"], number.to_numpy(), genes)
        return Measured(
            cells.select("cell", row=pl.lit(None, pl.Int64)).select("row", "cell"),
            values,
            pl.concat(
                [
                    counted(STAGE, "vehicle wells", tally),
                    counted(STAGE, "vehicle wells of a baseline", cells.select("cell", "len").rows()),
                ]
            ),
        )
