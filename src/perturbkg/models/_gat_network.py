"""The network of `gat`: attention over blocks of the walk, attention over training drugs, a head on pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from perturbkg.attention import Edges, attend, dot
from perturbkg.training.layers import Linear, perceptron, table
from perturbkg.training.loop import Network

SPEED = 50.0  # how much faster the logits of blocks move than other weights: few numbers, and few steps


@dataclass(frozen=True)
class Start:
    """Residuals that a network starts from, in components."""

    new: Tensor  # (drugs, cells, k)
    left_out: Tensor  # (drugs, cells, k): the same, but a pair of training as signatures of others predict it
    axes: Tensor  # (k, genes)


@dataclass(frozen=True)
class Inputs:
    """What the network reads and does not learn."""

    drug: Tensor  # (drugs, a): components of walk and features
    cell: Tensor  # (cells, b)
    blocks: Mapping[str, Tensor]  # type -> (steps, drugs, nodes of the type, or their components)
    names: list[str]  # "type@step" of each block, by type and step
    response: Tensor  # (drugs, response_width), zero for drugs without training signatures
    response_in_cell: Tensor  # (measured pairs, response_width)
    in_cell: Tensor  # (drugs, cells) int32: the row of a pair there, -1 for one without training signatures
    drug_edges: Edges  # training drug -> drug
    similarity: Tensor  # (edges, similarities)
    start: Start | None = None  # what the head adds to


class OverBlocks(nn.Module):
    """Attention over (node type, step): one softmax over all blocks, one matrix of node vectors per type.

    sum over t, k of softmax(logits)[t, k] B[t, k] E[t], times the root of the number of blocks: at equal
    weights the sum has the variance of one block.
    """

    def __init__(self, blocks: Mapping[str, Tensor], width: int, generator: torch.Generator) -> None:
        """Take type -> (steps, drugs, columns)."""
        super().__init__()
        self.blocks = nn.ModuleList(_Block(block) for block in blocks.values())
        self.nodes = nn.ParameterList(
            torch.randn(block.shape[2], width, generator=generator) * 0.3 for block in blocks.values()
        )
        self.steps = [len(block) for block in blocks.values()]
        self.logits = nn.Parameter(torch.zeros(sum(self.steps)))

    def forward(self) -> list[Tensor]:
        """Return the sum (drugs, width) in a list; an empty one where there is no block."""
        if not self.steps:
            return []
        weights = (self.logits * SPEED).softmax(dim=0) * len(self.logits) ** 0.5
        parts = [
            torch.einsum("k,kdn->dn", own, block.value) @ nodes
            for own, block, nodes in zip(weights.split(self.steps), self.blocks, self.nodes, strict=True)
        ]
        return [torch.stack(parts).sum(dim=0)]


class _Block(nn.Module):
    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = table(value)


class OverDrugs(nn.Module):
    """Multi-head attention over training drugs, whose logits start at similarity / temperature.

    The first head starts at the mean of the similarities, each of the others at one of them. Content, the
    inner product of learned keys and queries, is added and starts at zero.
    """

    def __init__(
        self,
        edges: Edges,
        similarity: Tensor,
        *,
        temperature: float,
        read: int,
        key_width: int,
        drop_edge: float,
        backend: str,
        generator: torch.Generator,
    ) -> None:
        """Take similarities (edges, n) and the width of a drug's vector; there are n + 1 heads."""
        super().__init__()
        self.edges, self.drop_edge, self.backend = edges, drop_edge, backend
        self.similarity = table(similarity)
        kinds = similarity.shape[1]
        self.heads = kinds + 1
        first = torch.cat([torch.full((kinds, 1), 1 / kinds), torch.eye(kinds)], dim=1)
        self.sharpness = nn.Parameter(first)  # (kinds, heads), in units of 1 / temperature
        self.temperature = temperature
        self.key = Linear(read, self.heads * key_width, generator)
        self.query = Linear(read, self.heads * key_width, generator, gain=0.0)

    def forward(self, drug: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Map drugs (drugs, read) and values (drugs, v) to (drugs, heads * v), and logits (edges, heads)."""
        edges = self.edges.on(drug.device)
        keys = self.key(drug).unflatten(1, (self.heads, -1))
        queries = self.query(drug).unflatten(1, (self.heads, -1))
        logits = self.similarity @ self.sharpness / self.temperature
        logits = logits + dot(edges, keys, queries, self.backend) / keys.shape[2] ** 0.5
        if self.training and self.drop_edge:
            dropped = torch.rand(len(logits), 1, device=logits.device) < self.drop_edge
            logits = logits.masked_fill(dropped, -1e4)
        return attend(edges, logits, values, self.backend).flatten(1), logits


class GATNetwork(Network):
    """Attention over blocks, attention over drugs, and the head on pairs."""

    def __init__(
        self,
        inputs: Inputs,
        genes: int,
        generator: torch.Generator,
        *,
        block_width: int,
        width: int,
        input_dropout: float,
        dropout: float,
        **attention: Any,
    ) -> None:
        """Take the frozen inputs, options of the model, and the other arguments of `OverDrugs`."""
        super().__init__()
        self.drug, self.cell, self.response = table(inputs.drug), table(inputs.cell), table(inputs.response)
        self.over_blocks = OverBlocks(inputs.blocks, block_width, generator)
        self.over_drugs = OverDrugs(
            inputs.drug_edges,
            inputs.similarity,
            read=inputs.drug.shape[1],
            generator=generator,
            **attention,
        )
        self.in_cell = InCell(inputs)
        self.starts = inputs.start is not None
        if inputs.start:
            self.new, self.left_out = table(inputs.start.new), table(inputs.start.left_out)
            self.axes = table(inputs.start.axes)
        read = inputs.drug.shape[1] + block_width * bool(inputs.blocks) + inputs.cell.shape[1]
        read += 2 * self.over_drugs.heads * inputs.response.shape[1]
        self.body = perceptron([read, width, genes], generator, input_dropout=input_dropout, dropout=dropout)

    def encode(self) -> tuple[Tensor, Tensor]:
        """Encode all drugs (drugs, columns); the drug attention's logits (edges, heads) come second."""
        message, logits = self.over_drugs(self.drug, self.response)
        return torch.cat([self.drug, *self.over_blocks(), message], dim=1), logits

    def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
        """Map pairs to residuals (pairs, genes)."""
        vectors, logits = encoded
        message = self.in_cell(logits, drug, cell)
        found = self.body(torch.cat([vectors[drug], message, self.cell[cell]], dim=1))
        if not self.starts:
            return found
        return found + (self.left_out if self.training else self.new)[drug, cell] @ self.axes


class InCell(nn.Module):
    """The drug attention once more, over those neighbours that were measured in the pair's own cell line.

    Which neighbours those are depends on the pair, so its edges are gathered, not kept as a graph.
    """

    def __init__(self, inputs: Inputs) -> None:
        """Lay the edges of each drug side by side: (drugs, most edges of a drug), padded."""
        super().__init__()
        edges = inputs.drug_edges
        order = torch.argsort(edges.dst, stable=True)
        count = torch.bincount(edges.dst, minlength=edges.targets)
        place = torch.arange(len(edges)) - (count.cumsum(0) - count)[edges.dst[order]]
        width = max(int(count.max()) if len(edges) else 0, 1)
        slot = torch.full((edges.targets, width), -1)
        slot[edges.dst[order], place] = order
        source = torch.zeros(edges.targets, width, dtype=torch.int64)
        source[edges.dst[order], place] = edges.src[order]
        self.slot, self.source = table(slot), table(source)
        self.values, self.place = table(inputs.response_in_cell), table(inputs.in_cell)

    def forward(self, logits: Tensor, drug: Tensor, cell: Tensor) -> Tensor:
        """Map logits (edges, heads) and pairs to messages (pairs, heads * response_width)."""
        heads = logits.shape[1]
        if not len(logits) or not len(self.values):  # no drug is near, or nothing was measured
            return logits.new_zeros(len(drug), heads * self.values.shape[1])
        slot = self.slot[drug]  # (pairs, width)
        place = self.place[self.source[drug], cell.unsqueeze(1)]
        here = (slot >= 0) & (place >= 0)
        own = logits[slot.clamp_min(0)].masked_fill(~here.unsqueeze(2), -1e9)  # (pairs, width, heads)
        weights = own.softmax(dim=1) * here.unsqueeze(2)
        values = self.values[place.clamp_min(0)]  # (pairs, width, response_width)
        return torch.einsum("pwh,pwv->phv", weights, values).flatten(1)
