"""Where a signature was measured: cell line, dose and time, as one index of a kernel of pairs."""

from dataclasses import dataclass
from typing import Self

import numpy as np

FLOOR = 0.3  # what signatures of one drug share at any dose and time
UNIT = np.array([1.0, np.log10(3.0)])  # log10 of the factor of dose, and of time, that is one unit apart
DIGITS = 3  # of log10: doses that differ by a thousandth or two are one


@dataclass(frozen=True)
class Places:
    """Distinct cell lines at distinct doses and times."""

    cell: np.ndarray  # (places,) int64
    logs: np.ndarray  # (places, 2) float: log10 dose and log10 time

    @classmethod
    def of(cls, cell: np.ndarray, logs: np.ndarray, cells: int) -> tuple[Self, np.ndarray]:
        """Return the places of pairs, and the row of each pair's place: (pairs,) int64.

        `cell` (pairs,) is a row of `cells`, `logs` (pairs, 2). At one dose and time the places are the cell
        lines.
        """
        if not logs.any():
            return cls(np.arange(cells), np.zeros((cells, 2))), cell
        table = np.column_stack([cell, np.round(logs.astype(np.float64), DIGITS)])
        distinct, row = np.unique(table, axis=0, return_inverse=True)
        return cls(distinct[:, 0].astype(np.int64), distinct[:, 1:]), row.reshape(-1)

    def kernel(self) -> np.ndarray:
        """Compare dose and time: (places, places) float32, 1 where they are equal."""
        distinct, row = np.unique(self.logs, axis=0, return_inverse=True)
        apart = (distinct[:, None] - distinct) / UNIT
        near = FLOOR + (1 - FLOOR) * np.exp(-np.square(apart).sum(axis=2) / 2)
        return near.astype(np.float32)[np.ix_(row.reshape(-1), row.reshape(-1))]
