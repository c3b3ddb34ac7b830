"""The network of `gat`: attention over nodes, attention over training drugs, and a head on pairs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from perturbkg.attention import Edges, attend, dot
from perturbkg.training.layers import Linear, perceptron, table
from perturbkg.training.loop import Network

SIMILARITIES = 2  # of walks, of structures: the relations of drug attention
SILENT = -8.0  # a logit that far below the others is a weight of less than 1/1000


@dataclass(frozen=True)
class Inputs:
    """What the network reads and does not learn."""

    drug: Tensor  # (drugs, a): components of walk and features
    cell: Tensor  # (cells, b)
    node: Tensor  # (near nodes, node_width): loadings of the walk's components
    node_type: Tensor  # (near nodes,) int64
    types: int
    node_edges: Edges  # near node -> drug
    node_prior: Tensor  # (edges,): log of the walk
    node_relation: Tensor  # (edges,): type of the node, + types where an edge joins it to the drug
    response: Tensor  # (drugs, response_width), zero for drugs without training signatures
    response_in_cell: Tensor  # (measured pairs, response_width)
    in_cell: Tensor  # (drugs, cells) int32: the row of a pair there, -1 for one without training signatures
    drug_edges: Edges  # training drug -> drug
    drug_prior: Tensor  # (edges,): similarity
    drug_relation: Tensor  # (edges,): which similarity


class Attention(nn.Module):
    """Multi-head attention over incoming edges whose logit starts at sharpness * prior + bias.

    Content, the inner product of learned keys and queries, is added and starts at zero.
    """

    def __init__(
        self,
        edges: Edges,
        prior: Tensor,
        relation: Tensor,
        bias: Tensor,
        *,
        sharpness: float,
        sizes: tuple[int, int],
        key_width: int,
        drop_edge: float,
        backend: str,
        generator: torch.Generator,
    ) -> None:
        """Take prior and relation (edges,), first biases (relations, heads), sizes of source and target."""
        super().__init__()
        self.edges, self.drop_edge, self.backend = edges, drop_edge, backend
        self.prior, self.relation = table(prior.unsqueeze(1)), table(relation)
        self.bias = nn.Parameter(bias.clone())
        self.log_sharpness = nn.Parameter(torch.full_like(bias, sharpness).log())
        self.heads = bias.shape[1]
        self.key = Linear(sizes[0], self.heads * key_width, generator)
        self.query = Linear(sizes[1], self.heads * key_width, generator, gain=0.0)

    def forward(self, source: Tensor, target: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Map source (sources, p), target (targets, q) and values (sources, v) to (targets, heads * v).

        The logits (edges, heads) come second, for attention over the same edges with other values.
        """
        edges = self.edges.on(source.device)
        keys = self.key(source).unflatten(1, (self.heads, -1))
        queries = self.query(target).unflatten(1, (self.heads, -1))
        # Not indexed: few rows are asked for by many edges, whose gradients `embedding` sums side by side.
        sharpness, bias = (embedding(self.relation, own) for own in (self.log_sharpness.exp(), self.bias))
        logits = self.prior * sharpness + bias
        logits = logits + dot(edges, keys, queries, self.backend) / keys.shape[2] ** 0.5  # (edges, heads)
        if self.training and self.drop_edge:
            dropped = torch.rand(len(logits), 1, device=logits.device) < self.drop_edge
            logits = logits.masked_fill(dropped, -1e4)
        return attend(edges, logits, values, self.backend).flatten(1), logits


class GATNetwork(Network):
    """Node attention, drug attention, and the head on pairs."""

    def __init__(
        self,
        inputs: Inputs,
        genes: int,
        generator: torch.Generator,
        *,
        heads: int,
        temperature: float,
        width: int,
        input_dropout: float,
        dropout: float,
        **attention: Any,
    ) -> None:
        """Take the frozen inputs, options of the model, and the other arguments of `Attention`."""
        super().__init__()
        node_width = inputs.node.shape[1]
        self.drug, self.cell, self.response = table(inputs.drug), table(inputs.cell), table(inputs.response)
        self.node, self.node_type = table(inputs.node), table(inputs.node_type)
        self.type_vector = nn.Parameter(torch.randn(inputs.types, 8, generator=generator) * 0.1)
        self.over_nodes = Attention(
            inputs.node_edges,
            inputs.node_prior,
            inputs.node_relation,
            torch.zeros(2 * inputs.types, heads),
            sharpness=1.0,
            sizes=(node_width + 8, node_width),
            generator=generator,
            **attention,
        )
        self.node_message = Linear(heads * node_width, node_width, generator, gain=0.0)
        # One half of the heads starts on each similarity.
        first = torch.zeros(SIMILARITIES, heads)
        first[0, heads // 2 :] = SILENT
        first[1, : heads // 2] = SILENT
        self.over_drugs = Attention(
            inputs.drug_edges,
            inputs.drug_prior,
            inputs.drug_relation,
            first,
            sharpness=1 / temperature,
            sizes=(node_width, node_width),
            generator=generator,
            **attention,
        )
        self.in_cell = InCell(inputs)
        read = inputs.drug.shape[1] + 2 * heads * inputs.response.shape[1] + inputs.cell.shape[1]
        self.body = perceptron([read, width, genes], generator, input_dropout=input_dropout, dropout=dropout)

    def encode(self) -> tuple[Tensor, Tensor]:
        """Encode all drugs (drugs, a + heads * response_width); the drug attention's logits come second."""
        width = self.node.shape[1]
        near, rest = self.drug[:, :width], self.drug[:, width:]
        node = torch.cat([self.node, self.type_vector[self.node_type]], dim=1)
        near = near + self.node_message(self.over_nodes(node, near, self.node)[0])
        message, logits = self.over_drugs(near, near, self.response)
        return torch.cat([near, rest, message], dim=1), logits

    def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
        """Map pairs to residuals (pairs, genes)."""
        vectors, logits = encoded
        message = self.in_cell(logits, drug, cell)
        return self.body(torch.cat([vectors[drug], message, self.cell[cell]], dim=1))


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
