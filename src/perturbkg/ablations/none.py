"""Leave the data as they are: what the other ablations are compared with."""

from dataclasses import dataclass

import numpy as np

from perturbkg.ablations import Ablated, Ablation
from perturbkg.data import Data


@dataclass(frozen=True)
class Untouched(Ablation):
    """Change nothing."""

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return the data as they are."""
        return Ablated(data, {})
