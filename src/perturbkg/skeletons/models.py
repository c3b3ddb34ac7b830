"""Skeleton: say in one sentence what this model predicts.

Say here what it reads of `data`, which equation it computes, and where that was published.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model


@dataclass
class Skeleton(Model):
    """Say how it works: here, the mean profile of the cell line, drawn towards the mean of all of them."""

    # A field with a default is an option: `model_options: {skeleton: {prior: 2}}` in a config sets it. Its
    # type says which values are allowed, and the string under it what it means.
    prior: Annotated[float, Ge(0)] = 1.0
    """signatures' worth of the overall mean in the mean of each cell line"""

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Average the training profiles; return no history, because nothing is trained in epochs."""
        overall = train.delta.mean(axis=0, dtype=np.float64)  # (978,)
        means = np.tile(
            overall, (len(data.cells) + 1, 1)
        )  # (cells + 1, 978); the last is for a new cell line
        for cell in np.unique(train.cell):
            profiles = train.delta[train.cell == cell]
            total = profiles.sum(axis=0, dtype=np.float64) + self.prior * overall
            means[cell] = total / (len(profiles) + self.prior)
        # What `remember` keeps is saved; `predict` may use nothing else that was learned.
        self.remember(data, means=means.astype(np.float32))
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Return (pairs, 978) float32."""
        # Rows of `data.cells` may be in another order than in `fit`: `known_cells` looks names up.
        return self.learned["means"][self.known_cells(data, pairs.cell)]
