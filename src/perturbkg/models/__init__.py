"""Models: each file holds one model that predicts the delta profile of (drug, cell line) pairs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from perturbkg.training.data import Data, Pairs, Signatures


@dataclass
class Model(ABC):
    """The estimator contract. Options are fields with defaults; `seed` comes from the workflow.

    A model sees training deltas in `train`, validation deltas in `validation` (for early stopping and
    nothing else), and never a test delta.
    """

    seed: int = 0

    @abstractmethod
    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Train; return the history, one dict (member, epoch, loss, validation) per epoch, [] where none."""

    @abstractmethod
    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Return (pairs, 978) float32. Pairs may name drugs and cells that training never saw."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write `model.safetensors` (arrays) and `model.json` (options, sizes) into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; predictions are the same to the bit."""
