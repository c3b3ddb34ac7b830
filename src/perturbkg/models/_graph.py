"""What the models that learn on the graph share: which backend computes attention, when and how exactly."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from perturbkg.attention import BackendName, choose
from perturbkg.models._neural import NeuralModel
from perturbkg.training.loop import EncodeEvery, Precision, Recipe, device, uses_bfloat16


@dataclass
class GraphModel(NeuralModel):
    """A neural model whose network encodes a graph by attention, once for many pairs."""

    epochs: Annotated[int, Ge(1)] = 40
    """most epochs: one costs several times what it costs a perceptron"""
    batch: Annotated[int, Ge(1)] = 512
    """signatures per step: the graph is encoded once in each, so fewer steps are faster"""
    backend: BackendName = "auto"
    """what computes attention; auto is the fastest that works"""
    encode_every: EncodeEvery = "step"
    """how often the graph is encoded; once an epoch, its gradient is that of all pairs, exactly"""
    precision: Precision = "auto"
    """of forward passes in training; auto is bfloat16 on a GPU that has it, else float32"""

    @property
    def chosen(self) -> dict[str, str]:
        """Name what computes attention, and in which precision."""
        half = uses_bfloat16(self.precision, device())
        return super().chosen | {
            "attention": choose(self.backend, device().type),
            "precision": "bfloat16" if half else "float32",
        }

    def recipe(self) -> Recipe:
        """Return how the networks are trained; raise InputError for options that do not exist here."""
        recipe = super().recipe()
        choose(self.backend, device().type)
        return dataclasses.replace(
            recipe,
            encode_every=self.encode_every,
            bfloat16=uses_bfloat16(self.precision, device()),
        )
