"""What the neural models share: training options, the ensemble and its spread, the residual on a cell mean.

All of them have the same options with the same defaults, so that what differs between two of them is what
they read. A model file says what it learns from features (`prepare`), what its network reads (`inputs`) and
the network itself (`network`); everything else happens here and in `perturbkg.training.loop`.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from scipy.optimize import nnls
from torch import Tensor

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.io.scripting import progress
from perturbkg.models import REFITTED, Model
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
from perturbkg.training.refit import joined
from perturbkg.training.target_scale import Scaled, TargetScale


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
    target_scale: TargetScale = "sqrt"
    """what training profiles are divided by: nothing, the root of their norm, or their norm"""
    refit: bool = False
    """whether members are trained again on training and validation, for as many epochs as were best"""

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
        """Train the ensemble; with `refit` again on both parts, each member as long as was best before."""
        recipe = self.recipe()  # first: it refuses options that do not exist
        history = self._train(data, train, validation, [recipe] * self.ensemble)
        more = {}
        if self.ensemble > 1:
            more["spread_to_error"] = self._spread_to_error(data, validation)
        if self.refit:
            both = joined(train, validation)
            again = [dataclasses.replace(recipe, epochs=n, keep_last=True) for n in best_epochs(history)]
            self._train(data, both, validation, again)
            more[REFITTED] = np.array(len(both))
        self.remember(data, **self.learned, **more)
        return history

    def _train(
        self, data: Data, train: Signatures, validation: Signatures, recipes: Sequence[Recipe]
    ) -> list[dict[str, float]]:
        """Train a member with each recipe and remember them; return the history of all."""
        scaled = Scaled.learn(train, len(data.cells), self.target_scale, self.shrinkage)
        target = dataclasses.replace(train, delta=scaled.z)
        back = {"base": scaled.base, "scale": np.array(scaled.scale, np.float32)}
        # In the layout that `load` gives them: a product with another layout may round differently.
        prepared = {name: np.ascontiguousarray(array) for name, array in self.prepare(data, train).items()}
        inputs = self.inputs(data, back | prepared)
        self._made = (data, inputs)
        history: list[dict[str, float]] = []
        weights: dict[str, np.ndarray] = {}
        with progress(total=sum(recipe.epochs for recipe in recipes), unit="epoch") as bar:
            for member, recipe in enumerate(recipes):
                seed = int(np.random.SeedSequence([self.seed, member]).generate_state(1)[0])
                with reproducible(seed):
                    generator = torch.Generator().manual_seed(seed)
                    network = self.network(inputs, len(data.genes), generator).to(device())
                    try:
                        epochs = train_network(
                            network,
                            target,
                            validation,
                            centre=scaled.centre,
                            recipe=recipe,
                            generator=generator,
                            after_epoch=bar.update,
                        )
                    except DivergedError as error:
                        good = weights | named(member, error.weights)
                        error.checkpoint = self.checkpoint(data, member, **back, **prepared, **good)
                        raise
                bar.update(recipe.epochs - len(epochs))
                history += [{"member": member, **epoch} for epoch in epochs]
                weights |= named(member, network.state_dict())
        self.remember(data, **back, **prepared, **weights)
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
        """Average the members' residuals, map them back and add them to what the cell line does by itself."""
        total = np.zeros((len(pairs), len(self.genes)), np.float32)
        for residual in self._members(data, pairs):
            total += residual
        total *= self.learned["scale"] / np.float32(self.ensemble)
        return self.learned["base"][self.known_cells(data, pairs.cell)] + total

    def predict_std(self, data: Data, pairs: Pairs) -> np.ndarray | None:
        """Return offset + slope x the members' spread, both learned on validation; None from one member."""
        line = self.learned.get("spread_to_error")
        return None if line is None else line[0] + line[1] * self._spread(data, pairs)

    def _spread(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Return how far the members are apart: (pairs,) float32, the root of the mean variance of a gene."""
        mean = np.zeros((len(pairs), len(self.genes)), np.float32)
        squares = np.zeros_like(mean)
        for count, residual in enumerate(self._members(data, pairs), 1):  # Welford 1962
            step = residual - mean
            mean += step / np.float32(count)
            squares += step * (residual - mean)
        return self.learned["scale"] * np.sqrt(squares.mean(axis=1) / np.float32(self.ensemble - 1))

    def _spread_to_error(self, data: Data, validation: Signatures) -> np.ndarray:
        """Fit offset and slope, both at least 0, of the validation errors on the spread: (2,) float32."""
        error = np.sqrt(np.square(self.predict(data, validation) - validation.delta).mean(axis=1))
        spread = self._spread(data, validation)
        return nnls(np.column_stack([np.ones_like(spread), spread]), error)[0].astype(np.float32)

    def _members(self, data: Data, pairs: Pairs) -> Iterator[np.ndarray]:
        """Yield the residuals of each member, (pairs, genes) float32, on the scale that it learned."""
        # Available right after fit; a loaded model builds the same ones again.
        inputs = self._made[1] if self._made and self._made[0] is data else self.inputs(data, self.learned)
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
                found = residuals(network, pairs)
            yield found


def best_epochs(history: Sequence[Mapping[str, float]]) -> list[int]:
    """Return how many epochs each member was trained up to its best validation score."""
    best: dict[float, Mapping[str, float]] = {}
    for epoch in history:
        if epoch["validation"] > best.setdefault(epoch["member"], epoch)["validation"]:
            best[epoch["member"]] = epoch
    return [int(epoch["epoch"]) for epoch in best.values()]


def named(member: int, weights: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Return the weights of a member as arrays, under its own names."""
    return {f"member{member}.{name}": tensor.cpu().numpy() for name, tensor in weights.items()}
