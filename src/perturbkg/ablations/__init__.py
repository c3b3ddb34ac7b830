"""Ablations: each file takes one thing away from what a model is given, and the model is trained anew."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbkg.training.data import Data


@dataclass(frozen=True)
class Ablated:
    """The data that the model sees instead, and what really changed (e.g. the share of edges that moved)."""

    data: Data
    notes: dict[str, Any]


@dataclass(frozen=True)
class Ablation(ABC):
    """A control: the same model on data that lacks one thing."""

    @abstractmethod
    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return ablated data; the argument is not changed."""
