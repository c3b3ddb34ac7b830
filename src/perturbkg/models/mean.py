"""Mean: every drug does in every cell line what drugs did on average in training."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model


@dataclass
class Mean(Model):
    """Predict the mean training profile, signatures weighing the same."""

    kind: ClassVar[Literal["model", "control"]] = "control"

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Average the training profiles."""
        self.remember(data, mean=train.delta.mean(axis=0, dtype=np.float64).astype(np.float32))
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Repeat the mean."""
        return np.tile(self.learned["mean"], (len(pairs), 1))
