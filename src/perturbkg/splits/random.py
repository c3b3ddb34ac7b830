"""Signatures dealt at random: test drugs and cell lines have been seen in training, not the pair."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from perturbkg.splits import Split


@dataclass(frozen=True)
class RandomSplit(Split):
    """Each signature is its own group; training and test share parents, so its scores are an upper bound."""

    separates_parents: ClassVar[bool] = False

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the name of each signature."""
        return signatures["signature"]
