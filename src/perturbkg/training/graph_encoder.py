"""A graph attention network of several layers, computed only where its result depends on it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from perturbkg.attention import Edges, convolve
from perturbkg.graph.neighbourhoods import Neighbourhood
from perturbkg.training.layers import Linear


@dataclass(frozen=True)
class Part:
    """A neighbourhood ready to be computed: its nodes' vectors, and the edges of each layer."""

    vectors: Tensor  # (nodes, columns) float32 or float16, zeros to the right of a kind's own columns
    runs: list[tuple[int, int, int]]  # (kind, first, last + 1): the kinds of the nodes, in their order
    layers: list[tuple[Edges, Tensor]]  # edges and their relations (edges,), the first layer first
    _on: dict[torch.device, "Part"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, found: Neighbourhood, vectors: np.ndarray, kind: np.ndarray) -> "Part":
        """Take vectors (nodes of the graph, columns) and kinds (nodes of the graph,); keep what is read."""
        kinds = kind[found.nodes]
        cuts = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
        return cls(
            torch.from_numpy(vectors[found.nodes]),
            [(int(kinds[first]), first, end) for first, end in itertools.pairwise(cuts)],
            [
                (
                    Edges(torch.from_numpy(part.src), torch.from_numpy(part.dst), part.sources, part.targets),
                    torch.from_numpy(part.relation),
                )
                for part in found.layers
            ],
        )

    def on(self, device: torch.device) -> "Part":
        """Return the part on a device, made there once."""
        if self.vectors.device == device:
            return self
        if device not in self._on:
            layers = [(edges.on(device), relation.to(device)) for edges, relation in self.layers]
            self._on[device] = Part(self.vectors.to(device), self.runs, layers)
        return self._on[device]


class AttentionLayer(nn.Module):
    """A residual layer of multi-head graph attention with a bias for each relation.

    norm(h + elu(sum over incoming edges of softmax(leaky_relu(s + t + bias)) * values)), as by Velickovic et
    al. 2018 (arXiv:1710.10903); a node without incoming edges keeps its vector, normalised.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        relations: int,
        *,
        dropout: float,
        backend: str,
        generator: torch.Generator,
    ) -> None:
        """Take the width of a node's vector, which the heads share."""
        super().__init__()
        self.heads, self.backend = heads, backend
        self.values = Linear(width, width, generator)
        first = torch.randn(2, heads, width // heads, generator=generator) * (heads / width) ** 0.5
        self.source, self.target = nn.Parameter(first[0]), nn.Parameter(first[1])
        self.bias = nn.Parameter(torch.zeros(relations, heads))
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)

    def forward(self, h: Tensor, edges: Edges, relation: Tensor) -> Tensor:
        """Map the sources' vectors (sources, width) to the targets' (targets, width)."""
        values = self.values(self.dropout(h))
        # Both ends' scores by one product, that of targets for all nodes too: half of two einsums' time.
        score = values @ torch.cat([torch.block_diag(*self.source), torch.block_diag(*self.target)]).T
        message = convolve(
            edges,
            score[:, : self.heads],
            score[: edges.targets, self.heads :],
            values.unflatten(1, (self.heads, -1)),
            relation=relation,
            bias=self.bias,
            backend=self.backend,
        )
        return self.norm(h[: edges.targets] + nn.functional.elu(message.flatten(1)))


class GraphEncoder(nn.Module):
    """Layers of attention over a part of the graph; what is read are the vectors of its wanted nodes."""

    def __init__(
        self,
        part: Part,
        columns: Sequence[int],
        relations: int,
        *,
        width: int,
        heads: int,
        dropout: float,
        backend: str,
        checkpointing: bool,
        generator: torch.Generator,
        sample: Callable[[], Part] | None = None,
    ) -> None:
        """Take the columns that each kind of node has; one without any is known by its kind's vector alone.

        In training `sample`, if given, draws a part for each pass; otherwise, and when predicting, `part`
        itself is computed. With `checkpointing` a layer's inner results are recomputed, not kept.
        """
        super().__init__()
        self.part, self.columns, self.sample, self.checkpointing = part, columns, sample, checkpointing
        self.kinds = nn.ModuleList(Linear(count, width, generator) for count in columns)
        for kind in self.kinds:
            nn.init.normal_(cast(Linear, kind).bias, std=0.1, generator=generator)
        self.layers = nn.ModuleList(
            AttentionLayer(width, heads, relations, dropout=dropout, backend=backend, generator=generator)
            for _ in part.layers
        )

    def forward(self) -> Tensor:
        """Return the vectors of the wanted nodes: (wanted, width)."""
        part = self.sample() if self.sample and self.training else self.part
        part = part.on(next(self.parameters()).device)
        if part.vectors.dtype == torch.float16 and torch.is_grad_enabled():
            # Else autograd keeps them at full size, and half of the size is lost on them.
            h = checkpoint(self._first, part, use_reentrant=False, preserve_rng_state=False)
        else:
            h = self._first(part)
        for layer, (edges, relation) in zip(self.layers, part.layers, strict=True):
            if self.checkpointing and torch.is_grad_enabled():
                h = checkpoint(layer, h, edges, relation, use_reentrant=False)
            else:
                h = layer(h, edges, relation)
        return h

    def _first(self, part: Part) -> Tensor:
        """Map the nodes' features to their first vectors (nodes, width), each kind by its own map."""
        return torch.cat(
            [
                self.kinds[kind](part.vectors[first:end, : self.columns[kind]].float())
                for kind, first, end in part.runs
            ]
        )
