"""What a backend of attention computes; the convolution follows from the rest unless a backend is faster."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import leaky_relu

from perturbkg.attention.edges import Edges


@dataclass(frozen=True)
class Scores:
    """The parts of an edge's score in GAT: leaky_relu(source + target + bias of the relation)."""

    source: Tensor  # (sources, heads)
    target: Tensor  # (targets, heads)
    relation: Tensor | None  # (edges,) integers, or None
    bias: Tensor | None  # (relations, heads), or None
    slope: float  # of the leaky ReLU below zero


class Backend(ABC):
    """Compute attention with one library on one kind of device; shapes are those of `perturbkg.attention`."""

    def check(self, device: str) -> None:  # noqa: B027 - most need no trial
        """Raise an exception if the backend does not work on a type of device of this machine."""

    @abstractmethod
    def dot(self, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        """Compute <keys[src], queries[dst]> of each edge: (edges, heads)."""

    @abstractmethod
    def attend(self, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        """Compute sum over incoming edges of softmax(logits) * values[src]: (targets, heads, width)."""

    @abstractmethod
    def add_ends(self, edges: Edges, scores: Scores) -> Tensor:
        """Compute source[src] + target[dst] + bias[relation] of each edge: (edges, heads)."""

    def convolve(self, edges: Edges, scores: Scores, values: Tensor) -> Tensor:
        """Compute `attend` by the logits leaky_relu(`add_ends`)."""
        return self.attend(edges, leaky_relu(self.add_ends(edges, scores), scores.slope), values)
