"""GAT: attention over the diffused neighbourhood of each drug, beside all that the perceptrons read.

A plain GAT has some thousand training drugs to learn the vectors of tens of thousands of nodes from, and
finds less than diffusion does. This one starts from diffusion (Gasteiger et al. 2019, arXiv:1911.05485):

1. A random walk with restart from each drug (as in `propagation`) decides who its neighbours are.
2. Node attention: a drug attends over the nodes that its walk visits most. The logit of an edge starts at the
   log of the walk, a bias tells node types and direct edges from longer paths; values are frozen loadings.
3. Drug attention: a drug attends over training drugs of other scaffolds, by likeness of walks and of
   structure. Values are their mean training residuals, so it learns which likeness predicts a response; and
   once more over those that were measured in the pair's own cell line, with their residuals there.
4. The head reads what `propagation` reads, and all messages.

Every matrix that is new beside `propagation` starts silent or at the likeness itself. The drugs are encoded
once per step, and all pairs of the step are decoded from that. docs/model.md says what else was tried.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from perturbkg.attention import Edges, attend, dot
from perturbkg.data import Data, Signatures
from perturbkg.graph.diffusion import Walk
from perturbkg.models._graph import GraphModel
from perturbkg.training.inputs import Block, learn_projections, project
from perturbkg.training.layers import Linear, perceptron, table
from perturbkg.training.loop import Network
from perturbkg.training.means import cell_means

LIKENESSES = 2  # of walks, of structures: the relations of drug attention
ROWS = 256  # drugs whose likenesses to all others are in memory at a time
SILENT = -8.0  # a logit that far below the others is a weight of less than 1/1000

Likeness = Callable[[np.ndarray], np.ndarray]  # of some drugs (n,) with all columns: (n, columns) float32


@dataclass
class GAT(GraphModel):
    """Graph attention on the diffusion-rewired graph."""

    # principal components kept of each block of inputs
    components: int = 128
    # share of the walk that returns to the drug at each step
    restart: float = 0.3
    # steps of the walk
    steps: int = 6
    # the walk is read as log1p(factor * share)
    factor: float = 10000.0
    # nodes that a drug attends over
    near: int = 32
    # training drugs that a drug attends over, for each likeness
    neighbours: int = 24
    # attention heads of each layer
    heads: int = 4
    # width of a head's keys and queries
    key_width: int = 16
    # leading components of the walk that nodes are known by
    node_width: int = 64
    # components of a training drug's mean response
    response_width: int = 48
    # drug attention starts at likeness / temperature
    temperature: float = 0.07
    # share of edges dropped in training
    drop_edge: float = 0.2

    _walk: tuple[Data, Walk] | None = field(default=None, init=False, repr=False, compare=False)

    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn the components of the inputs and the mean responses of the training drugs."""
        self.cells = list(data.cells)  # `inputs` looks them up by name, before and after `remember`
        blocks: list[Block] = [self.walk(data), data.drug_features]
        projections = learn_projections(blocks, data.cell_features, train, self.components)
        centre = cell_means(train, len(data.cells), self.shrinkage)
        response, in_cell, measured = responses(
            train, centre, len(data.drugs), len(data.cells), self.response_width
        )
        return projections | {
            "response": response,
            "response_in_cell": in_cell,
            "measured": measured,
            "trained": np.unique(train.drug),
        }

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> "Inputs":
        """Find the edges of both attentions and the frozen vectors of their nodes."""
        walk = self.walk(data)
        drug, cell = project([walk, data.drug_features], data.cell_features, prepared)
        width = min(self.node_width, prepared["drug0.axes"].shape[1])
        src, dst, visited = nearest(walk.rows, len(data.drugs), self.near)
        used, local = np.unique(src, return_inverse=True)
        near = np.isin(data.graph.dst, data.drug_node)
        direct = np.isin(
            data.drug_node[dst] * data.graph.nodes + src,
            data.graph.dst[near].astype(np.int64) * data.graph.nodes + data.graph.src[near],
        )
        kind = data.graph.node_type[used].astype(np.int64)
        trained = np.zeros(len(data.drugs), bool)
        trained[prepared["trained"]] = True

        def others(likeness: Likeness) -> Likeness:
            """Keep the likeness of training drugs of other scaffolds."""

            def kept(drugs: np.ndarray) -> np.ndarray:
                other = data.scaffold_group[drugs, None] != data.scaffold_group
                return np.where(trained & other, likeness(drugs), 0)

            return kept

        # Cell lines stand as they stood when the responses were learned; in a new one nothing was measured.
        place = np.full((len(data.drugs), len(self.cells) + 1), -1, np.int32)
        place[tuple(prepared["measured"].T)] = np.arange(len(prepared["measured"]))
        place = place[:, self.known_cells(data, np.arange(len(data.cells)))]
        near_drugs = [
            nearest(others(likeness), len(data.drugs), self.neighbours)
            for likeness in (walk.cosine, tanimoto(data.drug_features))
        ]
        return Inputs(
            drug=torch.from_numpy(drug),
            cell=torch.from_numpy(cell),
            node=torch.from_numpy(unit_scale(prepared["drug0.axes"][used, :width])),
            node_type=torch.from_numpy(kind),
            types=len(data.graph.types),
            node_edges=edges(local, dst, len(used), len(data.drugs)),
            node_prior=torch.from_numpy(np.log(visited)),
            node_relation=torch.from_numpy(kind[local] + len(data.graph.types) * direct),
            response=torch.from_numpy(prepared["response"]),
            response_in_cell=torch.from_numpy(prepared["response_in_cell"]),
            in_cell=torch.from_numpy(place),
            drug_edges=edges(
                np.concatenate([src for src, *_ in near_drugs]),
                np.concatenate([dst for _, dst, _ in near_drugs]),
                len(data.drugs),
                len(data.drugs),
            ),
            drug_prior=torch.from_numpy(np.concatenate([likeness for *_, likeness in near_drugs])),
            drug_relation=torch.from_numpy(
                np.repeat(np.arange(LIKENESSES), [len(s) for s, *_ in near_drugs])
            ),
        )

    def network(self, inputs: "Inputs", genes: int, generator: torch.Generator) -> Network:
        """Make both attentions and the head."""
        return GATNetwork(self, inputs, genes, generator)

    def walk(self, data: Data) -> Walk:
        """Return the log-scaled walk of each drug, its own node left out."""
        # Fit and predict ask for the same walk; it takes seconds.
        if self._walk is None or self._walk[0] is not data:
            walk = Walk.of(
                data.graph,
                data.drug_node,
                restart=self.restart,
                steps=self.steps,
                factor=self.factor,
                own_node=False,
            )
            self._walk = (data, walk)
        return self._walk[1]


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
    drug_prior: Tensor  # (edges,): likeness
    drug_relation: Tensor  # (edges,): which likeness


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

    def __init__(self, options: GAT, inputs: Inputs, genes: int, generator: torch.Generator) -> None:
        """Take the options of the model and its frozen inputs."""
        super().__init__()
        heads, width = options.heads, inputs.node.shape[1]
        self.drug, self.cell, self.response = table(inputs.drug), table(inputs.cell), table(inputs.response)
        self.node, self.node_type = table(inputs.node), table(inputs.node_type)
        self.type_vector = nn.Parameter(torch.randn(inputs.types, 8, generator=generator) * 0.1)
        shared: dict[str, Any] = {
            "key_width": options.key_width,
            "drop_edge": options.drop_edge,
            "backend": options.backend,
            "generator": generator,
        }
        self.over_nodes = Attention(
            inputs.node_edges,
            inputs.node_prior,
            inputs.node_relation,
            torch.zeros(2 * inputs.types, heads),
            sharpness=1.0,
            sizes=(width + 8, width),
            **shared,
        )
        self.node_message = Linear(heads * width, width, generator, gain=0.0)
        # One half of the heads starts on each likeness.
        first = torch.zeros(LIKENESSES, heads)
        first[0, heads // 2 :] = SILENT
        first[1, : heads // 2] = SILENT
        self.over_drugs = Attention(
            inputs.drug_edges,
            inputs.drug_prior,
            inputs.drug_relation,
            first,
            sharpness=1 / options.temperature,
            sizes=(width, width),
            **shared,
        )
        self.in_cell = InCell(inputs)
        read = inputs.drug.shape[1] + 2 * heads * inputs.response.shape[1] + inputs.cell.shape[1]
        self.body = perceptron(
            [read, options.width, genes],
            generator,
            input_dropout=options.input_dropout,
            dropout=options.dropout,
        )

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
        if not len(logits) or not len(self.values):  # nobody near, or nothing measured
            return logits.new_zeros(len(drug), heads * self.values.shape[1])
        slot = self.slot[drug]  # (pairs, width)
        place = self.place[self.source[drug], cell.unsqueeze(1)]
        here = (slot >= 0) & (place >= 0)
        own = logits[slot.clamp_min(0)].masked_fill(~here.unsqueeze(2), -1e9)  # (pairs, width, heads)
        weights = own.softmax(dim=1) * here.unsqueeze(2)
        values = self.values[place.clamp_min(0)]  # (pairs, width, response_width)
        return torch.einsum("pwh,pwv->phv", weights, values).flatten(1)


def responses(
    train: Signatures, centre: np.ndarray, drugs: int, cells: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return leading components of each drug's mean training response, over all cell lines and in each.

    (drugs, up to width) float32, zeros where nothing was measured; (pairs, up to width) float32, and the drug
    and cell line of these pairs (pairs, 2) int64. A response is the residual on the cell line's mean, centred
    and scaled to unit length, so that strong signatures do not drown the others; a pair without one (its cell
    line's only signature) is left out.
    """
    residual = np.subtract(train.delta, centre[train.cell])
    residual -= residual.mean(axis=1, keepdims=True)
    residual /= np.maximum(np.sqrt(np.einsum("sg,sg->s", residual, residual)), 1e-9)[:, None]
    mean, count = group_means(residual, train.drug, drugs)
    axes = np.linalg.svd(mean[count > 0], full_matrices=False)[2][:width]
    pairs, member = np.unique(train.drug * cells + train.cell, return_inverse=True)
    in_cell, _ = group_means(residual @ axes.T, member, len(pairs))
    measured = in_cell.any(axis=1)
    pairs = np.stack(np.divmod(pairs[measured], cells), axis=1)
    return unit_scale(mean @ axes.T, count > 0), unit_scale(in_cell[measured]), pairs


def group_means(matrix: np.ndarray, group: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean row of each group (groups, columns) float32, zeros for an empty one, and the counts."""
    member = sp.csr_array(
        (np.ones(len(group), matrix.dtype), (group, np.arange(len(group)))), shape=(groups, len(group))
    )
    mean = member @ matrix
    count = np.bincount(group, minlength=groups)
    mean /= np.maximum(count, 1)[:, None].astype(np.float32)
    return mean, count


def unit_scale(matrix: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Divide a matrix by the standard deviation of all entries of the given rows; zeros stay zeros."""
    chosen = matrix if rows is None else matrix[rows]
    spread = float(chosen.std()) if chosen.size else 0.0
    return (matrix / (spread if spread > 0 else 1.0)).astype(np.float32)


def tanimoto(matrix: np.ndarray) -> Likeness:
    """Return the Tanimoto similarity of some rows of real vectors with all: that of bits for 0/1 ones.

    <a, b> / (<a, a> + <b, b> - <a, b>); 0 for two zero vectors.
    """
    size = np.square(matrix, dtype=np.float32).sum(axis=1)

    def of(rows: np.ndarray) -> np.ndarray:
        inner = matrix[rows] @ matrix.T
        return (inner / np.maximum(size[rows, None] + size - inner, 1e-9)).astype(np.float32)

    return of


def nearest(likeness: Likeness, rows: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the up to `count` most like columns of each row, of a likeness above 0, as edges to the row.

    (src, dst, likeness), (edges,) each, by row. The likeness is asked for block by block.
    """
    found = []
    for first in range(0, rows, ROWS):
        block = np.arange(first, min(first + ROWS, rows))
        value = likeness(block)
        kept = min(count, value.shape[1])
        if kept:
            src = np.argpartition(-value, kept - 1, axis=1)[:, :kept]
            src = np.sort(src, axis=1).ravel()
            dst = np.repeat(np.arange(len(block)), kept)
            near = value[dst, src]
            found.append((src[near > 0], block[dst[near > 0]], near[near > 0]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    src, dst, near = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return src, dst, near


def edges(src: np.ndarray, dst: np.ndarray, sources: int, targets: int) -> Edges:
    """Make a block of edges from arrays."""
    return Edges(torch.from_numpy(src), torch.from_numpy(dst), sources, targets)
