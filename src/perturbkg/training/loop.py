"""The training loop that the neural models share: pairs in, residual profiles out, early stopping.

A network predicts what a drug adds to the mean training profile of its cell line (the `centre`). The loss
sees whole profiles, centre added, so that a loss of shape (cosine) means the shape of the profile.

A network that reads a graph encodes it once per step, or once per epoch: then the gradient of all the epoch's
pairs reaches the encoder in one exact backward pass, while what decodes the pairs is stepped with each batch.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from perturbkg.errors import InputError
from perturbkg.training.data import Pairs, Signatures
from perturbkg.training.diverged import DivergedError

CHUNK = 4096  # pairs decoded at a time when predicting: bounds memory, changes no number


ENCODE_EVERY = ("step", "epoch")
PRECISIONS = ("auto", "float32", "bfloat16")

Encoded = Tensor | tuple[Tensor, ...] | None


class Network(nn.Module, ABC):
    """What the loop trains. A network that reads a graph encodes it once and decodes many pairs from that."""

    def encode(self) -> Encoded:
        """Compute what all pairs of a step share (node embeddings); nothing by default."""
        return None

    @abstractmethod
    def decode(self, encoded: Any, drug: Tensor, cell: Tensor) -> Tensor:
        """Return residuals (pairs, genes) for rows of drugs and cells, (pairs,) int64 each."""

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
    encode_every: str = "step"  # one of ENCODE_EVERY
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
    before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_available() else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)


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
    drug, cell, delta = (torch.from_numpy(array).to(place) for array in (train.drug, train.cell, train.delta))
    means = torch.from_numpy(centre).to(place)
    truth = torch.from_numpy(validation.delta)
    offset = torch.from_numpy(centre[validation.cell])
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    loss_of = LOSSES[recipe.loss]
    history: list[dict[str, float]] = []
    best, best_epoch = -np.inf, 0
    best_weights: dict[str, Tensor] = {}
    mixed = torch.autocast(place.type, torch.bfloat16, enabled=recipe.bfloat16)
    once = recipe.encode_every == "epoch"

    def diverged(rows: Tensor) -> DivergedError:
        largest = delta[rows].abs().max().item()
        return DivergedError(epoch, rows.cpu().numpy(), largest, recipe.learning_rate, best_weights)

    for epoch in range(1, recipe.epochs + 1):
        network.train()
        total = 0.0
        if once:
            with mixed:
                whole = network.encode()
            gathered = [torch.zeros_like(part) for part in _parts(whole)]
        for rows in torch.randperm(len(train), generator=generator).to(place).split(recipe.batch):
            with mixed:
                encoded = _cut(whole) if once else network.encode()
                found = network.decode(encoded, drug[rows], cell[rows])
            loss = loss_of(found.float() + means[cell[rows]], delta[rows])
            value = loss.item()
            if not np.isfinite(value):
                raise diverged(rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()  # once per epoch: of what decodes alone, the encoder has no gradient yet
            total += value * len(rows)
            if once:
                for sum_, part in zip(gathered, _parts(encoded), strict=True):
                    if part.grad is not None:
                        sum_.add_(part.grad, alpha=len(rows) / len(train))
        if once and gathered:
            if not all(bool(part.isfinite().all()) for part in gathered):
                raise diverged(torch.arange(len(train)))
            optimiser.zero_grad()
            torch.autograd.backward(_parts(whole), gathered)
            optimiser.step()
        score = pearson(torch.from_numpy(residuals(network, validation)) + offset, truth).mean().item()
        history.append({"epoch": epoch, "loss": total / len(train), "validation": score})
        after_epoch()
        if score > best:
            best, best_epoch = score, epoch
            best_weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best_epoch >= recipe.patience:
            break
    network.load_state_dict(best_weights)
    return history


def _parts(encoded: Encoded) -> list[Tensor]:
    """List the tensors that a gradient reaches."""
    tensors = encoded if isinstance(encoded, tuple) else (encoded,)
    return [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]


def _cut(encoded: Encoded) -> Encoded:
    """Return the same values as leaves of a graph of their own, which gather gradients."""
    if isinstance(encoded, tuple):
        return tuple(tensor.detach().requires_grad_(tensor.requires_grad) for tensor in encoded)
    return None if encoded is None else encoded.detach().requires_grad_(encoded.requires_grad)


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
    network.eval()
    place = next(network.parameters()).device
    encoded = network.encode()
    drug, cell = torch.from_numpy(pairs.drug).to(place), torch.from_numpy(pairs.cell).to(place)
    chunks = zip(drug.split(CHUNK), cell.split(CHUNK), strict=True)
    return torch.cat([network.decode(encoded, d, c).cpu() for d, c in chunks]).numpy()
