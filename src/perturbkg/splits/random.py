"""Pairs dealt at random: test drugs and cell lines have been seen in training, not the pair."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from perturbkg.splits import Split


@dataclass(frozen=True)
class RandomSplit(Split):
    """Each pair of parent and cell line is a group; parts share parents, so scores are an upper bound."""

    separates_parents: ClassVar[bool] = False

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the name of the first signature, by id, of the same parent in the same cell line."""
        return signatures.select(pl.col("signature").min().over("parent", "cell"))["signature"]
