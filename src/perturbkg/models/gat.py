"""GAT: attention over types of nodes and numbers of steps, and over training drugs, beside the perceptron.

A hundred drugs cannot teach a network the vectors of tens of thousands of nodes, but they can teach it which
few nodes to read. For a pair (drug d, cell line c):

    B[t, k](d) = where a walk of k steps from d is, among the nodes of type t (log scale, centred, scaled)
    x(d)       = sum over t, k of a[t, k] B[t, k](d) E[t],  a = softmax over all blocks of learned logits
    m(d, u)    = softmax over training drugs u of other scaffolds, near by any similarity, of
                 sum over similarities of s similarity(d, u) + <q(h_d), k(h_u)>
    y(d, c)    = mean(c) + perceptron[h_d, x(d), sum_u m(d, u) r_u, sum_u m(d, u, c) r_(u, c), baseline of c]

E[t] are the vectors of the nodes of type t, learned (of the components of the type's blocks where it has many
nodes). The similarities are those of structures, of walks and of targets. h_d are components of the whole
walk and of the drug's features, r_u the mean training response of drug u, r_(u, c) that in the cell line c,
and m(d, u, c) the attention m among drugs that were measured there.

Attention over metapaths: Wang et al. 2019, arXiv:1903.07293; over nodes: Velickovic et al. 2018,
arXiv:1710.10903. What else was tried: docs/notebook/.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from scipy.special import softmax

from perturbkg.attention import Edges
from perturbkg.data import Data, Signatures
from perturbkg.graph.steps import shares_by_type
from perturbkg.graph.types import CELL_LINE, LINCS_DRUG
from perturbkg.models._gat_network import SPEED, GATNetwork, Inputs, Start
from perturbkg.models._graph import GraphModel
from perturbkg.models._kernel_skip import KernelSkip, in_components
from perturbkg.models._neighbours import Similarity, nearest
from perturbkg.models._walk import WalkOptions
from perturbkg.models.graph_kernel import GraphKernel
from perturbkg.training.inputs import Block, learn_projections, principal_axes, project
from perturbkg.training.loop import Network
from perturbkg.training.means import cell_means
from perturbkg.training.responses import responses
from perturbkg.training.target_scale import Scaled

SIMILARITIES = ("structure", "walk", "targets")  # kernels that drugs attend by
CHOICE = 2  # groups that the kernel to start from is chosen by: more cost more time than training does
SHOWN = 5  # blocks that `chosen` names
SMALL = 1e-6  # a block of smaller rows than that does not tell training drugs apart


@dataclass
class GAT(WalkOptions, GraphModel):
    """Attention over node types and steps of a walk, and over similar training drugs."""

    components: Annotated[int, Ge(1)] = 128
    """principal components kept of each block of inputs"""
    block_steps: Annotated[int, Ge(0)] = 5
    """most steps of the walk's blocks (node type, step); 0: no blocks"""
    block_width: Annotated[int, Ge(1)] = 64
    """width of the learned vector of a node in a block"""
    learned_type: Annotated[int, Ge(1)] = 2_000
    """most nodes of a type whose vectors are learned node by node; else those of principal components"""
    largest_type: Annotated[int, Ge(1)] = 5_000
    """most nodes of a type that has blocks of its own"""
    neighbours: Annotated[int, Ge(1)] = 24
    """training drugs that a drug attends over, for each similarity"""
    key_width: Annotated[int, Ge(1)] = 16
    """width of a head's keys and queries"""
    response_width: Annotated[int, Ge(1)] = 48
    """components of a training drug's mean response"""
    temperature: Annotated[float, Gt(0)] = 0.07
    """drug attention starts at similarity / temperature"""
    drop_edge: Annotated[float, Ge(0), Lt(1)] = 0.2
    """share of edges dropped in training"""
    skip: bool = True
    """whether the network adds to what `graph_kernel` predicts, for training pairs by other groups"""

    learning_rate: Annotated[float, Gt(0)] = 0.0005
    """step size of AdamW"""
    batch: Annotated[int, Ge(1)] = 128
    """signatures per step: the graph is encoded once in each, so fewer steps are faster"""

    own_node: ClassVar[bool] = False

    attention: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _start: KernelSkip | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def chosen(self) -> dict[str, str]:
        """Name the blocks of most attention too, "type@step weight", a mean over members."""
        most = sorted(self.attention.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
        setting = self._start.setting if self._start else None
        return (
            super().chosen
            | {"blocks": ", ".join(f"{name} {weight:.2f}" for name, weight in most) or "none"}
            | ({"kernel": setting.named()} if setting else {})
        )

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Choose what to start from, train the ensemble, and read off its attention over blocks."""
        self.recipe()  # refuses options that do not exist, before anything takes time
        self._start = None
        if self.skip:
            self.kernel.choose(data, train, validation)
        history = super().fit(data, train, validation)
        names = self._made[1].names if self._made else []
        if names:
            logits = np.stack([self.learned[f"member{i}.over_blocks.logits"] for i in range(self.ensemble)])
            weights = softmax(SPEED * logits, axis=1).mean(axis=0)
            self.attention = dict(zip(names, weights.tolist(), strict=True))
        return history

    @property
    def kernel(self) -> KernelSkip:
        """What the network starts from; its drug kernels are the similarities that drugs attend by."""
        if self._start is None:
            model = GraphKernel(
                seed=self.seed,
                groups=CHOICE,
                restart=self.restart,
                steps=self.steps,
                factor=self.factor,
                block_steps=max(self.block_steps, 1),
                blocks=GraphKernel.blocks if self.skip and self.block_steps else 0,
                largest_type=self.largest_type,
            )
            self._start = KernelSkip(model)
        return self._start

    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn components of inputs, mean responses of training drugs, and what to start from."""
        self.cells = list(data.cells)  # `inputs` looks them up by name, before and after `remember`
        blocks: list[Block] = [self.walk(data), data.drug_features]
        projections = learn_projections(blocks, data.cell_features, train, self.components)
        centre = cell_means(train, len(data.cells), self.shrinkage)
        response, in_cell, measured = responses(
            train, centre, len(data.drugs), len(data.cells), self.response_width
        )
        prepared = projections | {
            "response": response,
            "response_in_cell": in_cell,
            "measured": measured,
            "trained": np.unique(train.drug),
        }
        if self.skip:
            learned, pairs, predicted = self.kernel.fit(data, train)
            scaled = Scaled.learn(train, len(data.cells), self.target_scale, self.shrinkage)
            residual = (predicted - scaled.base[pairs[:, 1]]) / np.float32(scaled.scale)
            axes = np.linalg.svd(residual, full_matrices=False)[2][: self.components].T
            prepared |= in_components(learned, axes)
            prepared |= {"skip.axes": axes, "skip.pairs": pairs, "skip.left_out": residual @ axes}
        return prepared

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> Inputs:
        """Find the edges of both attentions and the frozen vectors of their nodes."""
        walk = self.walk(data)
        drug, cell = project([walk, data.drug_features], data.cell_features, prepared)
        trained = np.zeros(len(data.drugs), bool)
        trained[prepared["trained"]] = True

        # Cell lines in the order in which responses were learned; in a new cell line nothing was measured.
        place = np.full((len(data.drugs), len(self.cells) + 1), -1, np.int32)
        place[tuple(prepared["measured"].T)] = np.arange(len(prepared["measured"]))
        place = place[:, self.known_cells(data, np.arange(len(data.cells)))]
        kernels = self.kernel.kernels(data)
        similarity = [kernels[name] for name in SIMILARITIES]
        allowed = trained & (data.scaffold_group[:, None] != data.scaffold_group)
        edges, near = nearest_of(similarity, allowed, self.neighbours)
        blocks = self.blocks(data, prepared["trained"])
        return Inputs(
            drug=torch.from_numpy(drug),
            cell=torch.from_numpy(cell),
            blocks={name: torch.from_numpy(block) for name, (_, block) in blocks.items()},
            names=[f"{name}@{step}" for name, (steps, _) in blocks.items() for step in steps],
            response=torch.from_numpy(prepared["response"]),
            response_in_cell=torch.from_numpy(prepared["response_in_cell"]),
            in_cell=torch.from_numpy(place),
            drug_edges=edges,
            similarity=torch.from_numpy(near),
            start=self.start(data, prepared) if self.skip else None,
        )

    def start(self, data: Data, prepared: dict[str, np.ndarray]) -> Start:
        """Return what the kernel predicts, as residuals in the components of its training predictions."""
        axes = prepared["skip.axes"]
        base = prepared["base"] @ axes
        cells = np.arange(len(data.cells))
        new = np.empty((len(data.drugs), len(cells), axes.shape[1]), np.float32)
        for column, known in enumerate(self.known_cells(data, cells)):
            predicted = self.kernel.predict(data, prepared, self.cells, column)
            new[:, column] = (predicted - base[known]) / prepared["scale"]
        left_out = new.copy()
        drug, cell = prepared["skip.pairs"].T
        row = np.full(len(self.cells) + 1, -1)
        row[self.known_cells(data, cells)] = cells
        here = row[cell] >= 0
        left_out[drug[here], row[cell[here]]] = prepared["skip.left_out"][here]
        return Start(*(torch.from_numpy(np.ascontiguousarray(one)) for one in (new, left_out, axes.T)))

    def blocks(self, data: Data, trained: np.ndarray) -> dict[str, tuple[list[int], np.ndarray]]:
        """Return type -> its steps, and (steps, drugs, columns) float32: shares of the walk on a log scale.

        Each block is centred and scaled to mean square length 1 over the training drugs. A type with many
        nodes is reduced to the principal components of its blocks over these.
        """
        shares = shares_by_type(
            data.graph,
            data.drug_node,
            steps=self.block_steps,
            largest=self.largest_type,
            without=(LINCS_DRUG, CELL_LINE),
        )
        found: dict[str, tuple[list[int], np.ndarray]] = {}
        for name in sorted({name for name, _ in shares}):
            steps = [step for step in range(1, self.block_steps + 1) if (name, step) in shares]
            block = np.log1p(np.float32(self.factor) * np.stack([shares.pop((name, k)) for k in steps]))
            block -= block[:, trained].mean(axis=1, keepdims=True)
            size = np.sqrt(np.square(block[:, trained]).sum(axis=2).mean(axis=1))
            block /= np.maximum(size, SMALL)[:, None, None]
            if block.shape[2] > self.learned_type:
                axes = principal_axes(block[:, trained].reshape(-1, block.shape[2]), self.components)[1]
                block = block @ (axes / np.linalg.norm(axes, axis=0))
            if block.shape[2]:
                found[name] = (steps, block)
        return found

    def network(self, inputs: Inputs, genes: int, generator: torch.Generator) -> Network:
        """Make both attentions and the head."""
        return GATNetwork(
            inputs,
            genes,
            generator,
            block_width=self.block_width,
            temperature=self.temperature,
            width=self.width,
            input_dropout=self.input_dropout,
            dropout=self.dropout,
            key_width=self.key_width,
            drop_edge=self.drop_edge,
            backend=self.backend,
        )


def nearest_of(similarities: list[np.ndarray], allowed: np.ndarray, count: int) -> tuple[Edges, np.ndarray]:
    """Return edges from the `count` allowed drugs nearest to each drug by any of the similarities.

    And all the similarities at each edge: (edges, similarities) float32. `allowed` is (drugs, drugs) bool.
    """
    drugs = len(allowed)
    found = []
    for one in similarities:
        src, dst, _ = nearest(_allowed(one, allowed), drugs, count)
        found.append(dst * drugs + src)
    pairs = np.unique(np.concatenate(found))
    dst, src = np.divmod(pairs, drugs)
    near = np.stack([one[dst, src] for one in similarities], axis=1)
    return Edges(torch.from_numpy(src), torch.from_numpy(dst), drugs, drugs), near


def _allowed(similarity: np.ndarray, allowed: np.ndarray) -> Similarity:
    return lambda rows: np.where(allowed[rows], similarity[rows], 0)
