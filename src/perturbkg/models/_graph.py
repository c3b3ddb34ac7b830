"""What the models that learn on the graph share: which backend computes attention, when and how exactly."""

from dataclasses import dataclass

from perturbkg.attention import choose
from perturbkg.models._neural import NeuralModel
from perturbkg.training.loop import device


@dataclass
class GraphModel(NeuralModel):
    """A neural model whose network encodes a graph by attention, once for many pairs."""

    # most epochs: one costs several times what it costs a perceptron
    epochs: int = 40
    # signatures per step: the graph is encoded once in each, so fewer steps are faster
    batch: int = 512
    # what computes attention: auto (the fastest that works), fused, dgl or torch
    backend: str = "auto"

    @property
    def chosen(self) -> dict[str, str]:
        """Name what computes attention."""
        return {"attention": choose(self.backend, device().type)}
