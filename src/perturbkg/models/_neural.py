"""What the neural models share: their training options, the ensemble, and the residual on the cell mean.

All of them have the same options with the same defaults, so that what differs between two of them is what
they read. A model file says what it learns from features (`prepare`), what its network reads (`inputs`) and
the network itself (`network`); everything else happens here and in `perturbkg.training.loop`.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.io.scripting import progress
from perturbkg.models import Model
from perturbkg.options import require_valid
from perturbkg.training.diverged import DivergedError
from perturbkg.training.loop import (
    Loss,
    Network,
    Recipe,
    device,
    reproducible,
    residuals,
    train_network,
)
from perturbkg.training.means import cell_means


@dataclass
class NeuralModel(Model):
    """A mean over networks that differ in their seed, each a residual on the cell line's training mean."""

    ensemble: Annotated[int, Ge(1)] = 3
    """networks trained with different seeds, whose predictions are averaged"""
    width: Annotated[int, Ge(1)] = 256
    """units of the hidden layer"""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """share of hidden units dropped in training"""
    input_dropout: Annotated[float, Ge(0), Lt(1)] = 0.3
    """share of inputs dropped in training"""
    epochs: Annotated[int, Ge(1)] = 80
    """most epochs"""
    patience: Annotated[int, Ge(1)] = 8
    """epochs without a better validation score before training stops"""
    batch: Annotated[int, Ge(1)] = 256
    """signatures per step"""
    learning_rate: Annotated[float, Gt(0)] = 0.002
    """step size of AdamW"""
    weight_decay: Annotated[float, Ge(0)] = 0.01
    """weight decay of AdamW"""
    loss: Loss = "mixed"
    """what training minimises: `mixed` is the squared error in units of the variance plus 1 - Pearson"""
    shrinkage: Annotated[float, Ge(0)] = 0.0
    """signatures' worth of the mean over cell lines in each cell line's mean"""

    _made: tuple[Data, Any] | None = field(default=None, init=False, repr=False, compare=False)

    @abstractmethod
    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn from features and training pairs what turns `data` into inputs (statistics, bases)."""

    @abstractmethod
    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> Any:
        """Turn data into what `network` reads; `prepared` may hold more names than `prepare` returned."""

    @abstractmethod
    def network(self, inputs: Any, genes: int, generator: torch.Generator) -> Network:
        """Make an untrained network; all first weights come from `generator`, frozen inputs are buffers."""

    @property
    def parameters(self) -> int:
        """Count the weights of all members."""
        return sum(array.size for name, array in self.learned.items() if name.startswith("member"))

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Train the ensemble."""
        recipe = self.recipe()  # first: it refuses options that do not exist
        centre = cell_means(train, len(data.cells), self.shrinkage)
        # In the layout that `load` gives them: a product with another layout may round differently.
        prepared = {name: np.ascontiguousarray(array) for name, array in self.prepare(data, train).items()}
        inputs = self.inputs(data, prepared)
        self._made = (data, inputs)
        history: list[dict[str, float]] = []
        weights: dict[str, np.ndarray] = {}
        with progress(total=self.ensemble * self.epochs, unit="epoch") as bar:
            for member in range(self.ensemble):
                seed = int(np.random.SeedSequence([self.seed, member]).generate_state(1)[0])
                with reproducible(seed):
                    generator = torch.Generator().manual_seed(seed)
                    network = self.network(inputs, len(data.genes), generator).to(device())
                    try:
                        epochs = train_network(
                            network,
                            train,
                            validation,
                            centre=centre,
                            recipe=recipe,
                            generator=generator,
                            after_epoch=bar.update,
                        )
                    except DivergedError as error:
                        good = weights | named(member, error.weights)
                        error.checkpoint = self.checkpoint(data, member, centre=centre, **prepared, **good)
                        raise
                bar.update(self.epochs - len(epochs))
                history += [{"member": member, **epoch} for epoch in epochs]
                weights |= named(member, network.state_dict())
        self.remember(data, centre=centre, **prepared, **weights)
        return history

    def recipe(self) -> Recipe:
        """Return how the networks are trained; raise InputError for options that do not exist here."""
        require_valid(self)
        return Recipe(
            self.epochs, self.patience, self.batch, self.learning_rate, self.weight_decay, self.loss
        )

    def checkpoint(self, data: Data, member: int, **arrays: np.ndarray) -> Self | None:
        """Return a model of the members up to `member` that have weights; None if no member has any."""
        members = sum(any(name.startswith(f"member{i}.") for name in arrays) for i in range(member + 1))
        if not members:
            return None
        kept = dataclasses.replace(self, ensemble=members)
        kept.remember(data, **arrays)
        return kept

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Average the members' residuals and add them to the training mean of the cell line."""
        # Available right after fit; a loaded model builds the same ones again.
        inputs = self._made[1] if self._made and self._made[0] is data else self.inputs(data, self.learned)
        total = np.zeros((len(pairs), len(self.genes)), np.float32)
        for member in range(self.ensemble):
            prefix = f"member{member}."
            network = self.network(inputs, len(self.genes), torch.Generator()).to(device())
            network.load_state_dict(
                {
                    name.removeprefix(prefix): torch.from_numpy(array)
                    for name, array in self.learned.items()
                    if name.startswith(prefix)
                }
            )
            with reproducible(self.seed):
                total += residuals(network, pairs)
        return self.learned["centre"][self.known_cells(data, pairs.cell)] + total / np.float32(self.ensemble)


def named(member: int, weights: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Return the weights of a member as arrays, under its own names."""
    return {f"member{member}.{name}": tensor.cpu().numpy() for name, tensor in weights.items()}
