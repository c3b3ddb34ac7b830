"""Nothing: nodes of a type that have no features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from perturbkg.encoders import Encoder, Modality


@dataclass(frozen=True)
class Nothing(Encoder):
    """Zero columns, and no node counts as encoded."""

    modality: ClassVar[Modality] = "none"

    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Return (n, 0)."""
        return np.zeros((len(inputs), 0), dtype=np.float32)
