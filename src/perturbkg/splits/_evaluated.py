"""Score a fold at one dose and time, whatever doses and times it trains on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels
from perturbkg.splits import PARTS

ROUNDING = 1e-6  # tables hold 9.99999 for 10


@dataclass(frozen=True)
class Condition:
    """The dose and time that are asked about; None for any."""

    dose_um: float | None = None
    time_h: float | None = None
    tolerance: float = 0.0  # relative, of the dose

    @property
    def asked(self) -> dict[str, float]:
        """Return what is asked about, by column."""
        columns = {"dose_um": self.dose_um, "time_h": self.time_h}
        return {column: wanted for column, wanted in columns.items() if wanted is not None}

    def reasons(self, signatures: str | Path) -> dict[str, pl.Series]:
        """Return why rows of signatures.h5ad are not asked about -> whether that holds: (signatures,) bool.

        A row has one reason or none. Raises InputError where no signature has a dose or time that is asked
        about.
        """
        table, _ = read_labels(signatures, list(self.asked))
        left = pl.repeat(True, table.height, eager=True)
        found = {}
        for column, wanted in self.asked.items():
            value = table[column].cast(pl.Float64)
            if value.null_count() == table.height:
                raise InputError(
                    f"{signatures}: {column} is empty in every row, so evaluate.{column} cannot be met; "
                    "set it to null"
                )
            tolerance = self.tolerance if column == "dose_um" else 0.0
            near = ((value - wanted).abs() <= (tolerance + ROUNDING) * wanted).fill_null(True)
            found[f"{column} is unknown"] = left & value.is_null()
            found[f"{column} is not {wanted:g}"] = left & ~near
            left &= near & value.is_not_null()
        return found

    def met(self, signatures: str | Path) -> pl.Series:
        """Say of each row of signatures.h5ad whether it was measured so; never, where that is unknown."""
        rows = read_labels(signatures)[0].height
        met = pl.repeat(True, rows, eager=True)
        for reason in self.reasons(signatures).values():
            met &= ~reason
        return met

    def counts(self, signatures: str | Path, part: pl.Series) -> dict[str, Any]:
        """Count the signatures asked about in each part, and by reason those that are left out."""
        met = self.met(signatures)
        return {
            **self.asked,
            "signatures": {name: int((met & (part == name)).sum()) for name in PARTS},
            "left_out": {
                reason: int((holds & (part == "left_out")).sum())
                for reason, holds in self.reasons(signatures).items()
            },
        }


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
