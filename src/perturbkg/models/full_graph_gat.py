"""Full-graph GAT: layers of graph attention over the whole merged graph, from the features of every node.

The plain graph attention network of the field (Velickovic et al. 2018, arXiv:1710.10903): a node starts from
its encoded features, or from its type's learned vector where nothing was encoded; each layer attends over all
incoming edges with a bias for their relation; and the vectors of a pair's drug and cell line enter the
perceptron of `mlp` beside what that reads, through a matrix that starts at zero: training starts from `mlp`.
Only nodes that drugs and cell lines depend on are computed, exactly (`graph/neighbourhoods.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Lt
from torch import Tensor

from perturbkg.attention import choose
from perturbkg.attention.cost import Size, input_bytes, predicting_bytes, training_bytes
from perturbkg.data import Data, Signatures
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.graph.neighbourhoods import Neighbourhood, neighbourhood, row_starts
from perturbkg.io.memory import SPARE, available_bytes, refuse_unless
from perturbkg.models._graph import GraphModel
from perturbkg.training.graph_encoder import GraphEncoder, Part
from perturbkg.training.inputs import learn_projections, principal_axes, project
from perturbkg.training.layers import Linear, perceptron, table
from perturbkg.training.loop import EncodeEvery, Network, device

Checkpointing = Literal["auto", "always", "never"]
FeatureWidth = Literal["float32", "float16"]


@dataclass
class FullGraphGAT(GraphModel):
    """The field's plain GAT on the features of all nodes, beside the perceptron of `mlp`."""

    epochs: Annotated[int, Ge(1)] = 80
    """most epochs"""
    batch: Annotated[int, Ge(1)] = 512
    """signatures per step"""
    encode_every: EncodeEvery = "epoch"
    components: Annotated[int, Ge(1)] = 128
    """principal components kept of each block of inputs"""
    layers: Annotated[int, Ge(1)] = 2
    """layers of attention: how many edges away a drug sees"""
    heads: Annotated[int, Ge(1)] = 4
    """attention heads of each layer"""
    node_width: Annotated[int, Ge(1)] = 128
    """width of a node's vector, which the heads share"""
    node_dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    """share of a node's vector dropped in each layer"""
    fanout: Annotated[int, Ge(0)] = 0
    """incoming edges of a node that training draws for each encoding; 0: all of them, exactly"""
    checkpointing: Checkpointing = "auto"
    """whether inner results of layers are recomputed in the backward pass; auto: where memory is short"""
    features: FeatureWidth = "float32"
    """number format of node features in memory"""

    _reach: tuple[Data, Neighbourhood] | None = field(default=None, init=False, repr=False, compare=False)
    _again: bool = field(default=False, init=False, repr=False, compare=False)

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Train the ensemble; raise InputError before anything is computed where memory is too small."""
        self.recipe()  # first: both refuse options that do not exist
        self._check()
        self._again = self._fit_into_memory(data, train)
        return super().fit(data, train, validation)

    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn the components of each block of inputs, and of the features of each node type."""
        blocks = [data.drug_features, data.targets.toarray()]
        learned = learn_projections(blocks, data.cell_features, train, self.components)
        # Drugs and cell lines by those of training; the other nodes are the same whatever the split.
        own = {"lincs_drug": "drug0", "cell_line": "cell"}
        for node_type, known in data.features.items():
            if node_type in own:
                found = learned[f"{own[node_type]}.mean"], learned[f"{own[node_type]}.axes"]
            else:
                found = node_axes(known, self.components)
            learned |= {
                f"node.{node_type}.{what}": array for what, array in zip(("mean", "axes"), found, strict=True)
            }
        return learned

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> "Inputs":
        """Find the nodes and edges of each layer and the frozen vectors of the first; once for all steps."""
        self._refuse_unless_it_predicts(data)
        blocks = [data.drug_features, data.targets.toarray()]
        drug, cell = project(blocks, data.cell_features, prepared)
        vectors, kind, columns = self.node_vectors(data, prepared)
        starts = row_starts(data.graph.unweighted)

        def sample() -> Part:
            seed = int(torch.randint(2**62, ()))  # from the generator that dropout draws from too
            return Part.of(self._drawn(data, starts, seed), vectors, kind)

        return Inputs(
            drug=torch.from_numpy(drug),
            cell=torch.from_numpy(cell),
            part=Part.of(self._whole(data), vectors, kind),
            columns=columns,
            relations=2 * len(data.graph.relations),
            sample=sample if self.fanout else None,
            checkpointing=self._again,
        )

    def network(self, inputs: "Inputs", genes: int, generator: torch.Generator) -> Network:
        """Make the layers and the head."""
        return FullGraphNetwork(self, inputs, genes, generator)

    @property
    def chosen(self) -> dict[str, str]:
        """Name what computes attention, and whether inner results are kept."""
        again = bool(self._made and self._made[1].checkpointing)
        return super().chosen | {"checkpointing": "always" if again else "never"}

    def node_vectors(
        self, data: Data, prepared: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Return what nodes start from: vectors (nodes, columns), kinds (nodes,), columns of each kind."""
        graph, kind = data.graph, node_kinds(data)
        axes = [prepared[f"node.{node_type}.axes"] for node_type in graph.types]
        columns = [count for matrix in axes for count in (matrix.shape[1], 0)]
        vectors = np.zeros((graph.nodes, max(columns, default=0)), np.dtype(self.features))
        for code, (node_type, own) in enumerate(nodes_by_type(data)):
            known = data.features[node_type]
            scores = known.matrix @ axes[code] - prepared[f"node.{node_type}.mean"] @ axes[code]
            vectors[own[known.encoded], : scores.shape[1]] = scores[known.encoded]
        return vectors, kind, columns

    def _check(self) -> None:
        """Refuse options that do not go together, before anything is computed."""
        if self.node_width % self.heads:
            raise InputError(
                f"full_graph_gat: node_width ({self.node_width}) must be a multiple of heads ({self.heads})"
            )

    def _whole(self, data: Data) -> Neighbourhood:
        """Return what drugs and cell lines depend on; found once for a graph."""
        if self._reach is None or self._reach[0] is not data:
            found = neighbourhood(data.graph.unweighted, wanted(data), self.layers, group=node_kinds(data))
            self._reach = data, found
        return self._reach[1]

    def _drawn(self, data: Data, starts: np.ndarray, seed: int) -> Neighbourhood:
        """Return a sample of it."""
        sampling: dict[str, Any] = {"fanout": self.fanout, "rng": np.random.default_rng(seed)}
        kinds = node_kinds(data)
        return neighbourhood(
            data.graph.unweighted, wanted(data), self.layers, group=kinds, starts=starts, **sampling
        )

    def _shape(self, data: Data) -> dict[str, Any]:
        """Return what memory depends on apart from the sizes of the layers."""
        widths = [min(self.components, known.matrix.shape[1]) for known in data.features.values()]
        return {
            "columns": max(widths, default=0),
            "itemsize": np.dtype(self.features).itemsize,
            "width": self.node_width,
            "heads": self.heads,
            "backend": choose(self.backend, device().type),
        }

    def _refuse_unless_it_predicts(self, data: Data) -> None:
        """Raise InputError where not even predictions fit: they are computed on all edges."""
        sizes = sizes_of(self._whole(data))
        needed = predicting_bytes(sizes, **self._shape(data))
        refuse_unless(needed, available_bytes(device()), what=self._size(sizes), remedy=self._remedy())

    def _fit_into_memory(self, data: Data, train: Signatures) -> bool:
        """Return whether inner results are recomputed; raise InputError where even that needs too much."""
        self._refuse_unless_it_predicts(data)
        whole = sizes = sizes_of(self._whole(data))
        shape = self._shape(data)
        beside = 4 * train.delta.size if device().type == "cuda" else 0
        if self.fanout:
            sizes = sizes_of(self._drawn(data, row_starts(data.graph.unweighted), self.seed))
            beside += input_bytes(whole, columns=shape["columns"], itemsize=shape["itemsize"])
        kept, again = (
            beside + training_bytes(sizes, **shape, checkpointing=checkpointing)
            for checkpointing in (False, True)
        )
        available = available_bytes(device())
        if self.checkpointing == "never" or (self.checkpointing == "auto" and kept <= SPARE * available):
            refuse_unless(kept, available, what=self._size(sizes), remedy=self._remedy(training=True))
            return False
        refuse_unless(again, available, what=self._size(sizes), remedy=self._remedy(training=True))
        return True

    def _remedy(self, *, training: bool = False) -> str:
        """List the options that take less memory and are not set yet."""
        ways = {
            "checkpointing: auto": training and self.checkpointing == "never",
            "a fanout (sampled neighbours)": training and not self.fanout,
            "features: float16": self.features != "float16",
            "fewer layers": self.layers > 1,
            "a smaller node_width": True,
        }
        return f"set {', '.join(way for way, left in ways.items() if left)}, or ask for more memory"

    def _size(self, sizes: list[Size]) -> str:
        edges = sum(size.edges for size in sizes)
        return f"full_graph_gat on {sizes[0].sources:,} nodes and {edges:,} edges in {len(sizes)} layers"


@dataclass(frozen=True)
class Inputs:
    """What the network reads and does not learn."""

    drug: Tensor  # (drugs, a): components of features and of targets
    cell: Tensor  # (cells, b)
    part: Part  # its wanted nodes are the drugs, then the cell lines
    columns: list[int]  # of each kind of node
    relations: int  # inverse ones count too
    sample: Callable[[], Part] | None
    checkpointing: bool


class FullGraphNetwork(Network):
    """The layers, and the head on pairs."""

    def __init__(self, options: FullGraphGAT, inputs: Inputs, genes: int, generator: torch.Generator) -> None:
        """Take the options of the model and its frozen inputs."""
        super().__init__()
        self.drug, self.cell = table(inputs.drug), table(inputs.cell)
        width = options.node_width
        self.encoder = GraphEncoder(
            inputs.part,
            inputs.columns,
            inputs.relations,
            width=width,
            heads=options.heads,
            dropout=options.node_dropout,
            backend=options.backend,
            checkpointing=inputs.checkpointing,
            generator=generator,
            sample=inputs.sample,
        )
        self.of_drug = Linear(width, width, generator, gain=0.0)
        self.of_cell = Linear(width, width, generator, gain=0.0)
        self.body = perceptron(
            [self.drug.shape[1] + self.cell.shape[1] + 2 * width, options.width, genes],
            generator,
            input_dropout=options.input_dropout,
            dropout=options.dropout,
        )

    def encode(self) -> Tensor:
        """Compute the vectors of all drugs, then of all cell lines: (drugs + cells, node_width)."""
        return self.encoder()

    def decode(self, encoded: Tensor, drug: Tensor, cell: Tensor) -> Tensor:
        """Map pairs to residuals (pairs, genes)."""
        of_drug, of_cell = encoded[drug], encoded[len(self.drug) + cell]
        read = [self.drug[drug], self.of_drug(of_drug), self.cell[cell], self.of_cell(of_cell)]
        return self.body(torch.cat(read, dim=1))


def wanted(data: Data) -> np.ndarray:
    """Return the nodes whose vectors are read: the drugs, then the cell lines."""
    return np.concatenate([data.drug_node, data.cell_node])


def nodes_by_type(data: Data) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each node type and its nodes, in the order of its features."""
    own = {"lincs_drug": data.drug_node, "cell_line": data.cell_node}
    for code, node_type in enumerate(data.graph.types):
        yield node_type, own.get(node_type, np.flatnonzero(data.graph.node_type == code))


def node_kinds(data: Data) -> np.ndarray:
    """Return the kind of each node (nodes,) int16: which map it enters by.

    Kind 2 t is a node of type t with encoded features, reduced to their components; kind 2 t + 1 has nothing
    to encode, no column, and only its kind's learned vector.
    """
    kind = np.empty(data.graph.nodes, np.int16)
    for code, (node_type, own) in enumerate(nodes_by_type(data)):
        kind[own] = 2 * code + ~data.features[node_type].encoded
    return kind


def sizes_of(found: Neighbourhood) -> list[Size]:
    """Return the size of each layer."""
    return [Size(layer.sources, layer.targets, len(layer)) for layer in found.layers]


def node_axes(known: Features, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (columns,) and axes (columns, up to `components`) of the nodes that have features."""
    if known.encoded.any():
        return principal_axes(known.matrix[known.encoded], components)
    width = known.matrix.shape[1]
    return np.zeros(width, np.float32), np.zeros((width, 0), np.float32)
