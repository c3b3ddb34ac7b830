"""Amino-acid composition of a protein: what its sequence is made of, and how long it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.encoders import Encoder, Modality

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"
_OTHER = len(ALPHABET)  # X, B, Z, U, O, *, gaps
_CODE = np.full(256, _OTHER, dtype=np.int64)
_CODE[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(len(ALPHABET))


@dataclass(frozen=True)
class AminoAcids(Encoder):
    """Shares of the 20 amino acids, share of other letters, log length, and optionally dipeptides."""

    modality: ClassVar[Modality] = "sequence"

    dipeptides: bool = False
    """whether the shares of the 400 pairs of neighbouring amino acids are added"""

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode sequences into (n, 22), or (n, 422) with dipeptides.

        Columns: shares of `ALPHABET` among its own letters; share of other letters among all;
        log10(length) / 5, which is below 1 for every known protein; shares of the pairs of `ALPHABET`.
        """
        size = len(ALPHABET)
        matrix = np.zeros((len(inputs), size + 2 + size**2 * self.dipeptides), dtype=np.float32)
        for row, sequence in enumerate(inputs):
            letters = np.frombuffer(sequence.upper().encode("ascii", "replace"), dtype=np.uint8)
            codes = _CODE[letters]
            known = codes[codes != _OTHER]
            matrix[row, :size] = np.bincount(known, minlength=size) / max(len(known), 1)
            matrix[row, size] = 1 - len(known) / max(len(codes), 1)
            matrix[row, size + 1] = np.log10(max(len(codes), 1)) / 5
            if self.dipeptides:
                together = (codes[:-1] != _OTHER) & (codes[1:] != _OTHER)
                pairs = (codes[:-1] * size + codes[1:])[together]
                matrix[row, size + 2 :] = np.bincount(pairs, minlength=size**2) / max(len(pairs), 1)
        return matrix
