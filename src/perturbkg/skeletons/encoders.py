"""Skeleton: say in one sentence what this vector says of a node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from perturbkg.encoders import Encoder, Modality


@dataclass(frozen=True)
class Skeleton(Encoder):
    """Say what the columns are: here, the shares of the letters a to z in a text, and its length."""

    # Which column of schemas.NodeInputs it reads: text, smiles, sequence, or baseline (978 numbers).
    modality: ClassVar[Modality] = "text"

    # A field with a default is an option: `encoder_options: {skeleton: {unit: 50}}` in a config sets it.
    unit: Annotated[float, Gt(0)] = 100.0
    """characters that make the length 1"""

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Return (n, 27) float32; equal inputs get equal vectors, whatever else is encoded with them."""
        matrix = np.zeros((len(inputs), 27), dtype=np.float32)
        for row, text in enumerate(inputs):
            letters = [ord(letter) - ord("a") for letter in text.lower() if "a" <= letter <= "z"]
            matrix[row, :26] = np.bincount(letters, minlength=26) / max(len(letters), 1)
            matrix[row, 26] = len(text) / self.unit
        return matrix
