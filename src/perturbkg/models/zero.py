"""Zero: a drug changes nothing."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model


@dataclass
class Zero(Model):
    """Predict no change. Its correlations are undefined; its errors are the size of the response itself."""

    kind: ClassVar[Literal["model", "control"]] = "control"

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Learn nothing but the number of genes."""
        self.remember(data)
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Return zeros."""
        return np.zeros((len(pairs), len(self.genes)), np.float32)
