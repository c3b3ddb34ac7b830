"""The training loop that the neural models share: pairs in, residual profiles out, early stopping.

A network predicts what a drug adds to the mean training profile of its cell line (the `centre`). The loss
sees whole profiles, centre added, so that a loss of shape (cosine) means the shape of the profile. Training
profiles may be scaled (`target_scale`); those of validation need not be, as a correlation has no scale.

A network that reads a graph encodes it once per step, or once per epoch: then the gradient of all the epoch's
pairs reaches the encoder in one exact backward pass, while what decodes the pairs is stepped with each batch.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from perturbkg.data import Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.training.adamw import AdamW
from perturbkg.training.diverged import DivergedError

CHUNK = 4096  # pairs decoded at a time when predicting and scoring: bounds memory, changes no number


Loss = Literal["cosine", "huber", "mixed", "mse"]
EncodeEvery = Literal["step", "epoch"]
Precision = Literal["auto", "float32", "bfloat16"]
PRECISIONS = get_args(Precision)

Encoded = Tensor | tuple[Tensor, ...] | None


class Network(nn.Module, ABC):
    """What the loop trains. A network that reads a graph encodes it once and decodes many pairs from that."""

    def encode(self) -> Encoded:
        """Compute what all pairs of a step share (node embeddings); nothing by default."""
        return None

    @abstractmethod
    def decode(self, encoded: Any, drug: Tensor, cell: Tensor) -> Tensor:
        """Return residuals (pairs, genes) for rows of drugs and cells, (pairs,) int64 each.

        A network that reads more of a pair takes what its `rows` returns in place of these two.
        """

    def rows(self, pairs: Pairs) -> tuple[Tensor, ...]:
        """Return what `decode` reads of each pair, one row a pair."""
        return torch.from_numpy(pairs.drug), torch.from_numpy(pairs.cell)

    def forward(self, drug: Tensor, cell: Tensor) -> Tensor:
        """Encode, then decode."""
        return self.decode(self.encode(), drug, cell)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    epochs: int
    patience: int  # epochs without a better validation score before training stops
    batch: int  # pairs per step
    learning_rate: float
    weight_decay: float
    loss: str  # a key of LOSSES
    encode_every: str = "step"  # one of EncodeEvery
    keep_last: bool = False  # whether all epochs are trained and the last weights kept, not the best
    bfloat16: bool = False  # whether forward passes use torch's mixed precision; weights and loss do not


def cosine_loss(predicted: Tensor, observed: Tensor) -> Tensor:
    """Average 1 - Pearson over the rows of two (rows, genes) tensors."""
    return 1 - pearson(predicted, observed).mean()


def mixed_loss(predicted: Tensor, observed: Tensor) -> Tensor:
    """Add the squared error, in units of the batch's variance, to `cosine_loss`: shape and size."""
    error = (predicted - observed).square().mean() / observed.var()
    return error + cosine_loss(predicted, observed)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cosine": cosine_loss,
    "huber": nn.functional.huber_loss,
    "mixed": mixed_loss,
    "mse": nn.functional.mse_loss,
}


def pearson(predicted: Tensor, observed: Tensor) -> Tensor:
    """Correlate row by row: (rows,). A constant row gets 0, so that a constant prediction is never chosen."""
    p = predicted - predicted.mean(dim=1, keepdim=True)
    y = observed - observed.mean(dim=1, keepdim=True)
    return (p * y).sum(dim=1) / (p.norm(dim=1) * y.norm(dim=1)).clamp_min(1e-6)


def device() -> torch.device:
    """Choose the GPU if there is one."""
    if torch.cuda.is_available():
        # Without it cuBLAS refuses to work deterministically.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        return torch.device("cuda")
    return torch.device("cpu")


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Make torch deterministic inside, and leave its global generators and settings as they were.

    Dropout has no generator argument, so it draws from the global one, which is seeded in here only.
    """
    # Not `use_deterministic_algorithms`: it imports torch's compiler, which takes as long as torch itself.
    before = torch.get_deterministic_debug_mode()
    settings: Any = torch.utils.deterministic  # whose attribute torch's types do not know
    filling = settings.fill_uninitialized_memory
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_available() else []):
        torch.manual_seed(seed)
        torch.set_deterministic_debug_mode("error")
        # Else every new array is filled with NaN first; all of ours are written before they are read.
        settings.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_deterministic_debug_mode(before)
            settings.fill_uninitialized_memory = filling


def train_network(
    network: Network,
    train: Signatures,
    validation: Signatures,
    *,
    centre: np.ndarray,
    recipe: Recipe,
    generator: torch.Generator,
    after_epoch: Callable[[], Any] = lambda: None,
) -> list[dict[str, float]]:
    """Train with AdamW and keep the weights of the epoch with the best mean validation Pearson.

    `centre` (cells, genes) is indexed by `Signatures.cell`; `generator` shuffles the batches. Returns one
    dict (epoch, loss, validation) per epoch. A loss that is not finite raises DivergedError.
    """
    place = next(network.parameters()).device
    cell, delta = (torch.from_numpy(array).to(place) for array in (train.cell, train.delta))
    given = [tensor.to(place) for tensor in network.rows(train)]
    means = torch.from_numpy(centre).to(place)
    optimiser = AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    loss_of = LOSSES[recipe.loss]
    history: list[dict[str, float]] = []
    best, best_epoch = -np.inf, 0
    best_weights: dict[str, Tensor] = {}
    mixed = torch.autocast(place.type, torch.bfloat16, enabled=recipe.bfloat16)
    once = recipe.encode_every == "epoch"

    def diverged(what: str, rows: Tensor | None = None) -> DivergedError:
        largest = max(
            part.abs().max().item() for part in (delta if rows is None else delta[rows]).split(CHUNK)
        )
        batch = None if rows is None else rows.cpu().numpy()
        return DivergedError(
            what,
            epoch,
            rows=batch,
            largest=largest,
            learning_rate=recipe.learning_rate,
            weights=best_weights,
        )

    for epoch in range(1, recipe.epochs + 1):
        network.train()
        total = 0.0
        with mixed:
            shared = Shared(network.encode()) if once else None
        for rows in torch.randperm(len(train), generator=generator).to(place).split(recipe.batch):
            with mixed:
                encoded = shared.leaves() if shared else network.encode()
                found = network.decode(encoded, *(tensor[rows] for tensor in given))
            loss = loss_of(found.float() + means[cell[rows]], delta[rows])
            value = loss.item()
            if not np.isfinite(value):
                raise diverged("loss", rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()  # once per epoch: of what decodes alone, the encoder has no gradient yet
            total += value * len(rows)
            if shared:
                shared.gather(encoded, len(rows) / len(train))
        if shared and shared.parts:
            optimiser.zero_grad()
            if not shared.backward():
                raise diverged("gradient")
            optimiser.step()
        del shared, encoded  # the inner results of the graph are not needed to score the epoch
        score = validation_score(network, validation, centre)
        if not np.isfinite(score):
            raise diverged("validation score")
        history.append({"epoch": epoch, "loss": total / len(train), "validation": score})
        after_epoch()
        if recipe.keep_last or score > best:
            best, best_epoch = score, epoch
            best_weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best_epoch >= recipe.patience:
            break
    network.load_state_dict(best_weights)
    return history


class Shared:
    """What all batches of an epoch are decoded from, and the gradient that they leave at it."""

    def __init__(self, encoded: Encoded) -> None:
        """Take what `Network.encode` returned."""
        self.encoded, self.parts = encoded, _parts(encoded)
        # Half precision is too coarse to add up many batches.
        self.sums = [
            torch.zeros_like(part, dtype=torch.promote_types(part.dtype, torch.float32))
            for part in self.parts
        ]

    def leaves(self) -> Encoded:
        """Return the same values as leaves of a graph of their own, which a batch's gradient reaches."""
        if isinstance(self.encoded, tuple):
            return tuple(tensor.detach().requires_grad_(tensor.requires_grad) for tensor in self.encoded)
        return (
            None if self.encoded is None else self.encoded.detach().requires_grad_(self.encoded.requires_grad)
        )

    def gather(self, leaves: Encoded, share: float) -> None:
        """Add the gradient at a batch's leaves, times its share of the epoch."""
        for total, part in zip(self.sums, _parts(leaves), strict=True):
            if part.grad is not None:
                total.add_(part.grad, alpha=share)

    def backward(self) -> bool:
        """Pass the epoch's gradient on to the encoder's weights; return False if it is not finite."""
        if not all(bool(total.isfinite().all()) for total in self.sums):
            return False
        grads = [total.to(part.dtype) for total, part in zip(self.sums, self.parts, strict=True)]
        torch.autograd.backward(self.parts, grads)
        return True


def _parts(encoded: Encoded) -> list[Tensor]:
    """List the tensors that a gradient reaches."""
    tensors = encoded if isinstance(encoded, tuple) else (encoded,)
    return [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]


def uses_bfloat16(precision: str, place: torch.device) -> bool:
    """Say whether `auto`, `float32` or `bfloat16` is mixed precision: auto is on a GPU that has bfloat16."""
    if precision not in PRECISIONS:
        raise InputError(f"precision: {precision!r} is not known; write {', '.join(PRECISIONS)}")
    if precision == "auto":
        return place.type == "cuda" and torch.cuda.is_bf16_supported()
    return precision == "bfloat16"


@torch.no_grad()
def residuals(network: Network, pairs: Pairs) -> np.ndarray:
    """Predict the residuals of pairs: (pairs, genes) float32; the graph is encoded once for all of them."""
    return torch.cat(list(_decoded(network, pairs))).numpy()


@torch.no_grad()
def validation_score(network: Network, validation: Signatures, centre: np.ndarray) -> float:
    """Return the mean Pearson over signatures; their profiles are in memory some at a time."""
    scores, first = [], 0
    for found in _decoded(network, validation):
        rows = slice(first, first + len(found))
        predicted = found + torch.from_numpy(centre[validation.cell[rows]])
        scores.append(pearson(predicted, torch.from_numpy(validation.delta[rows])))
        first = rows.stop
    return torch.cat(scores).mean().item()


def _decoded(network: Network, pairs: Pairs) -> Iterator[Tensor]:
    """Encode once; yield the residuals of the next pairs (up to CHUNK, genes) on the CPU."""
    network.eval()
    place = next(network.parameters()).device
    encoded = network.encode()
    given = [tensor.to(place).split(CHUNK) for tensor in network.rows(pairs)]
    for some in zip(*given, strict=True):
        yield network.decode(encoded, *some).cpu()
