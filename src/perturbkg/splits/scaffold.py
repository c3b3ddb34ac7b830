"""Molecules with one ring system stay together: test drugs have a core that training never saw."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from perturbkg.splits import Split


@dataclass(frozen=True)
class ScaffoldSplit(Split):
    """Group by the Bemis-Murcko scaffold of the parent molecule; 10.1021/jm9602928.

    ASSUME: an acyclic parent has no scaffold and is a group of its own. One bucket for all of them would
    be a large group of unrelated molecules.
    """

    separates_parents: ClassVar[bool] = True

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return "scaffold:<SMILES>", or "parent:<id>" for an acyclic parent."""
        acyclic = pl.col("scaffold") == ""
        return signatures.select(
            pl.when(acyclic)
            .then("parent:" + pl.col("parent"))
            .otherwise("scaffold:" + pl.col("scaffold"))
            .alias("group")
        )["group"]
