"""Encoders: each file turns what is known of a node into a vector."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

Modality = Literal["text", "smiles", "sequence", "baseline", "none"]


@dataclass(frozen=True)
class Encoder(ABC):
    """Turn one modality of many nodes into vectors. Options are fields with defaults."""

    modality: ClassVar[Modality]  # column of schemas.NodeInputs that it reads
    block: ClassVar[int] = 4096  # inputs that it gets at once: bounds its memory

    @abstractmethod
    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Encode inputs, none of which is null: strings, or rows of (n, 978) for `baseline`.

        Returns (n, dim) float32. Equal inputs give equal vectors, independent of the other inputs.
        """

    def remarks(self) -> dict[str, np.ndarray]:
        """Return remarks on the inputs encoded so far, in their order: what -> (n,) bool."""
        return {}
