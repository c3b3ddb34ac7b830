"""Splits: each file says which signatures may stand in training and which in test."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Split(ABC):
    """Cut signatures into folds. `assign` is the contract; most splits only name their `groups`."""

    separates_parents: ClassVar[bool]  # whether train and test may share no parent molecule

    @abstractmethod
    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the group (str) of each signature that must never be cut.

        `signatures` has the columns signature, drug, cell, parent, scaffold.
        """

    def assign(
        self, signatures: pl.DataFrame, folds: int, validation: float, rng: np.random.Generator
    ) -> list[pl.Series]:
        """Return for each fold the part of each signature: train, validation, test or left_out."""
        raise NotImplementedError
