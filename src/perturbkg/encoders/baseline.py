"""Baseline expression of a cell line: the log2 values, shifted and scaled to about 0 and 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from perturbkg.encoders import Encoder, Modality


@dataclass(frozen=True)
class Baseline(Encoder):
    """(x - centre) / scale with the same constants for every gene and cell line.

    Constants rather than the mean and spread of the given cell lines: a cell line's vector must not depend
    on the other cell lines.
    """

    modality: ClassVar[Modality] = "baseline"

    # ASSUME: L1000 Level 3 values are log2 intensities of about 4 to 15, centred near 8.
    centre: float = 8.0
    """log2 expression that becomes 0"""
    scale: Annotated[float, Gt(0)] = 3.0
    """log2 units that become 1"""

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Encode rows of log2 expression into (n, genes)."""
        return ((np.asarray(inputs, dtype=np.float32) - self.centre) / self.scale).astype(np.float32)
