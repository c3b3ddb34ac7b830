"""Skeleton: say in one sentence what a test drug or signature of this split has not been seen as."""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from perturbkg.splits import Split


@dataclass(frozen=True)
class Skeleton(Split):
    """Say which groups are never cut: here, signatures of one parent molecule."""

    # Whether two parts of a fold may never share a parent molecule; it is checked for every fold.
    separates_parents: ClassVar[bool] = True

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the group (str) of each signature; columns: signature, drug, cell, parent, scaffold.

        Groups are dealt to folds by `Split.assign`. Override that too, if signatures are to be left out.
        """
        return signatures["parent"]
