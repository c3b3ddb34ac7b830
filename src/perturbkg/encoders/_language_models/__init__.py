"""Language models: their architectures, tokenisers and weights, and what runs them."""

from collections.abc import Sequence
from typing import Protocol


class Tokeniser(Protocol):
    """Cut texts into the numbered tokens that a model knows."""

    pad: int  # id that fills a batch up to its longest text

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return the ids of each text with the model's special tokens, at most `max_length` of them."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, special ones included, before anything is cut."""
