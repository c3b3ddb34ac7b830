"""A language model of characters: its vectors are known by a formula, and it does not need transformers."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel

WIDTH = 4
BEGIN, END, PAD = 1, 2, 3


class Characters:
    """One token for each character, between two special ones."""

    pad = PAD

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        return [[BEGIN, *map(ord, text[: max_length - 2]), END] for text in texts]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text) + 2 for text in texts]


class Sums(nn.Module):
    """The first hidden state has sums of powers of a text's ids; each other one has its own token's id.

    `at_most` is the number of tokens, padding included, that fit into its memory; `sizes` records those of
    each batch; `before` is called with the number of batches so far.
    """

    def __init__(self, at_most: int | None = None, before: Callable[[int], None] = lambda _: None) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.01))
        self.at_most, self.before, self.sizes = at_most, before, []

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        self.before(len(self.sizes))
        self.sizes.append(tuple(ids.shape))
        if self.at_most is not None and ids.numel() > self.at_most:
            raise torch.OutOfMemoryError("out of memory")
        values = ids * self.scale  # (batch, tokens)
        hidden = torch.stack([values**power for power in range(1, WIDTH + 1)], dim=-1)
        hidden[:, 0] = (hidden * mask[:, :, None]).sum(dim=1)
        return hidden.masked_fill(mask[:, :, None] == 0, torch.nan)  # padding must not be used


@dataclass(frozen=True)
class Toy(LanguageModel):
    """An encoder that uses `Sums`; the content of its only file does not matter."""

    modality: ClassVar[Modality] = "text"
    instead: ClassVar[str] = "hashed_text"
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = ("weights.bin",)

    killed_at: int | None = None  # batch at which its process is killed

    def architecture(self, files: dict[str, Path]) -> tuple[nn.Module, Any]:
        def die(batch: int) -> None:
            if batch == self.killed_at:
                os.kill(os.getpid(), signal.SIGKILL)

        return Sums(before=die), Characters()


def toy(folder: Path, **options: Any) -> Toy:
    """Return an encoder whose weights and cached vectors are in a folder."""
    weights = folder / "weights" / "tiny--toy"
    weights.mkdir(parents=True, exist_ok=True)
    if not (weights / "weights.bin").exists():
        (weights / "weights.bin").write_text("the weights")
    return Toy(
        **{
            "model": "tiny/toy",
            "dtype": "float32",
            "device": "cpu",
            "weights_folder": weights.parent,
            "vectors_folder": folder / "vectors",
            **options,
        }
    )
