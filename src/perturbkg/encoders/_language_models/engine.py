"""Run a language model over many texts: reads texts as they come, makes one vector for each.

Texts are taken window by window, so that memory is bounded whatever their number. Within a window each
distinct text is tokenised once, and texts of like length stand together in batches of about as many tokens,
not of as many texts. The next window is prepared in a thread while the device works.
"""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from perturbkg.encoders._language_models import Tokeniser
from perturbkg.encoders._language_models.pooling import check, pool
from perturbkg.errors import InputError

#: Texts that are sorted together: enough for batches of like length, few enough for any memory.
WINDOW = 4096
_LOG = logging.getLogger(__name__)


class Embedded(NamedTuple):
    """The vectors of some of the texts."""

    rows: np.ndarray  # (n,) places of the texts among all, each place once
    vectors: np.ndarray  # (n, width) float32
    tokens: np.ndarray  # (n,) tokens of each text before it was cut


@dataclass
class _Text:
    """A distinct text of a window."""

    rows: list[int]
    ids: np.ndarray  # (tokens,) at most the maximum length
    tokens: int  # before it was cut


def embed(
    model: nn.Module,
    tokeniser: Tokeniser,
    texts: Iterable[str],
    *,
    pooling: str,
    max_length: int,
    tokens_per_batch: int,
    window: int = WINDOW,
) -> Iterator[Embedded]:
    """Yield the vectors of texts, batch by batch and not in their order.

    `model` maps ids and mask (batch, tokens) to last hidden states (batch, tokens, width); it runs where it
    is and in the number format that it has. Where memory runs out, the batch is halved and the rest run with
    as many tokens; a single text that does not fit is an InputError.
    """
    check(pooling)
    runner = _Runner(model.eval(), tokeniser.pad, pooling, tokens_per_batch)
    prepared = _windows(tokeniser, texts, max_length, window)
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(next, prepared, None)
        while (current := coming.result()) is not None:
            coming = thread.submit(next, prepared, None)
            yield from runner.run(current)


def _windows(
    tokeniser: Tokeniser, texts: Iterable[str], max_length: int, window: int
) -> Iterator[list[_Text]]:
    """Yield the distinct texts of each window, tokenised, longest first: memory runs out soon or never."""
    rest = enumerate(texts)
    while taken := list(islice(rest, window)):
        rows: dict[str, list[int]] = {}
        for row, text in taken:
            rows.setdefault(text, []).append(row)
        distinct = list(rows)
        ids = [np.asarray(found, dtype=np.int64) for found in tokeniser.encode(distinct, max_length)]
        lengths = [len(found) for found in ids]
        full = [place for place, length in enumerate(lengths) if length == max_length]  # others cannot be cut
        for place, length in zip(full, tokeniser.lengths([distinct[place] for place in full]), strict=True):
            lengths[place] = length
        found = [_Text(*each) for each in zip(rows.values(), ids, lengths, strict=True)]
        yield sorted(found, key=lambda text: -len(text.ids))


class _Runner:
    """A model and the number of tokens that it takes at once, which shrinks when memory runs out."""

    def __init__(self, model: nn.Module, pad: int, pooling: str, tokens_per_batch: int) -> None:
        self.model, self.pad, self.pooling, self.tokens_per_batch = model, pad, pooling, tokens_per_batch
        self.device = next(model.parameters()).device

    def run(self, texts: list[_Text]) -> Iterator[Embedded]:
        """Yield the vectors of texts sorted by length, longest first.

        A GPU works while Python goes on: a batch's vectors are fetched when the next one has been started.
        """
        started: tuple[list[_Text], Tensor] | None = None
        while texts:
            count = max(1, self.tokens_per_batch // len(texts[0].ids))
            batch = texts[:count]
            vectors = self._start(batch)
            if vectors is None:
                self.tokens_per_batch = max(1, len(batch) // 2) * len(batch[0].ids)
                _LOG.warning("out of memory: going on with %d tokens at once", self.tokens_per_batch)
                continue
            texts = texts[count:]
            if started is not None:
                yield _fetched(*started)
            started = batch, vectors
        if started is not None:
            yield _fetched(*started)

    def _start(self, batch: list[_Text]) -> Tensor | None:
        """Return the vectors of a batch, on the device, or None if they need more memory than there is."""
        ids = np.full((len(batch), len(batch[0].ids)), self.pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(batch):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        try:
            with torch.inference_mode():
                on_device = [torch.from_numpy(array).to(self.device) for array in (ids, mask)]
                return pool(self.model(*on_device), on_device[1], self.pooling)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise InputError(
                    f"{self.device}: out of memory on one input of {len(batch[0].ids)} tokens; "
                    "set a smaller max_length, or device: cpu"
                ) from error
        # Out of the clause above the error is gone, and with it the tensors that its traceback held.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return None


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether a batch was too large for its device; PyTorch has no class of its own for the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _fetched(batch: list[_Text], vectors: Tensor) -> Embedded:
    """Bring the vectors of a batch to this machine's memory, one for each row."""
    repeats = [len(text.rows) for text in batch]
    return Embedded(
        np.array([row for text in batch for row in text.rows], dtype=np.int64),
        np.repeat(vectors.cpu().numpy(), repeats, axis=0),
        np.repeat([text.tokens for text in batch], repeats),
    )
