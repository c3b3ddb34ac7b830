"""Score a fold at one dose and time, whatever doses and times it trains on."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels

ROUNDING = 1e-6  # tables hold 9.99999 for 10


@dataclass(frozen=True)
class Condition:
    """The dose and time that are asked about; None for any."""

    dose_um: float | None = None
    time_h: float | None = None
    tolerance: float = 0.0  # relative, of the dose

    def met(self, signatures: str | Path) -> pl.Series:
        """Say of each row of signatures.h5ad whether it was measured so; never, where that is unknown."""
        table, _ = read_labels(signatures)
        met = pl.repeat(True, table.height, eager=True)
        for column, wanted, tolerance in (
            ("dose_um", self.dose_um, self.tolerance),
            ("time_h", self.time_h, 0.0),
        ):
            if wanted is not None:
                distance = (table[column].cast(pl.Float64) - wanted).abs()
                met &= (distance <= (tolerance + ROUNDING) * wanted).fill_null(False)
        return met


def only_evaluated(part: pl.Series, evaluated: pl.Series, fold: int) -> pl.Series:
    """Leave out the test signatures that are not asked about; raise InputError if none is left."""
    test = part == "test"
    if not (test & evaluated).any():
        raise InputError(
            f"fold {fold}: none of {test.sum()} test signatures is at the dose and time of `evaluate`; "
            "set evaluate.dose_um and evaluate.time_h to what the filters keep, or to null"
        )
    return (
        pl.select(pl.when(test & ~evaluated).then(pl.lit("left_out")).otherwise(part))
        .to_series()
        .alias("part")
    )
