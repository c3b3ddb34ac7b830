"""Hashed words and characters of a text: no vocabulary, no weights, no download."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from perturbkg.encoders import Encoder, Modality


@dataclass(frozen=True)
class HashedText(Encoder):
    """Signed hashing of word and character n-grams, of length 1 (Weinberger et al. 2009, arXiv:0902.2206)."""

    modality: ClassVar[Modality] = "text"

    words: Annotated[int, Ge(1)] = 64
    """columns for single words and pairs of words: what a text is about"""
    characters: Annotated[int, Ge(1)] = 64
    """columns for 3 to 5 characters within a word: stems such as -kinase, -statin"""

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode texts into (n, words + characters), each half of equal weight."""
        vectorisers = (
            HashingVectorizer(n_features=self.words, ngram_range=(1, 2), token_pattern=r"\b\w+\b"),
            HashingVectorizer(n_features=self.characters, ngram_range=(3, 5), analyzer="char_wb"),
        )
        halves = [vectoriser.transform(inputs).toarray() for vectoriser in vectorisers]
        return normalize(np.hstack(halves)).astype(np.float32)
