"""Molecules with one ring system stay together: test drugs have a core that training never saw."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from perturbkg.drugs.scaffolds import scaffold_groups
from perturbkg.splits import Split


@dataclass(frozen=True)
class ScaffoldSplit(Split):
    """Group by the Bemis-Murcko scaffold of the parent molecule; 10.1021/jm9602928."""

    separates_parents: ClassVar[bool] = True

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the scaffold group of each signature's drug."""
        return scaffold_groups(signatures)
