"""GAT: attention over the diffused neighbourhood of each drug, beside all that the perceptrons read.

A plain GAT has some thousand training drugs to learn the vectors of tens of thousands of nodes from, and
finds less than diffusion does. This one starts from diffusion (Gasteiger et al. 2019, arXiv:1911.05485):
a random walk with restart from each drug (as in `propagation`) decides what its neighbours are. For a pair
(drug d, cell line c), and for each head:

    a(d, v) = softmax over near nodes v of  s log walk(d, v) + b[type of v, direct edge?] + <q(h_d), k(h_v)>
    m(d, u) = softmax over training drugs u of other scaffolds, near by walk or by structure, of
              s similarity(d, u) + b[which similarity] + <q(h_d), k(h_u)>
    x(d)    = h_d + W sum_v a(d, v) h_v
    y(d, c) = mean(c) + perceptron[x(d), sum_u m(d, u) r_u, sum_u m(d, u, c) r_(u, c), baseline of c]

h are frozen loadings on the walk's components, r_u the mean training response of drug u, r_(u, c) that in the
cell line c, and m(d, u, c) the attention m among drugs that were measured there. Learned are s, b, q, k, W
and the perceptron. Every matrix that is new beside `propagation` starts at zero or at the similarity itself.
The drugs are encoded once per step, and all pairs of the step are decoded from that.

Attention: Velickovic et al. 2018, arXiv:1710.10903. What else was tried: docs/notebook/.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt

from perturbkg.attention import Edges
from perturbkg.data import Data, Signatures
from perturbkg.drugs.similarity import tanimoto
from perturbkg.models._gat_network import SIMILARITIES, GATNetwork, Inputs
from perturbkg.models._graph import GraphModel
from perturbkg.models._neighbours import Similarity, nearest
from perturbkg.models._walk import WalkOptions
from perturbkg.training.inputs import Block, learn_projections, project
from perturbkg.training.loop import Network
from perturbkg.training.means import cell_means
from perturbkg.training.responses import responses, unit_scale


@dataclass
class GAT(WalkOptions, GraphModel):
    """Graph attention on the diffusion-rewired graph, beside the perceptron of `propagation`."""

    components: Annotated[int, Ge(1)] = 128
    """principal components kept of each block of inputs"""
    near: Annotated[int, Ge(1)] = 32
    """nodes that a drug attends over"""
    neighbours: Annotated[int, Ge(1)] = 24
    """training drugs that a drug attends over, for each similarity"""
    heads: Annotated[int, Ge(1)] = 4
    """attention heads of each layer"""
    key_width: Annotated[int, Ge(1)] = 16
    """width of a head's keys and queries"""
    node_width: Annotated[int, Ge(1)] = 64
    """leading components of the walk that nodes are known by"""
    response_width: Annotated[int, Ge(1)] = 48
    """components of a training drug's mean response"""
    temperature: Annotated[float, Gt(0)] = 0.07
    """drug attention starts at similarity / temperature"""
    drop_edge: Annotated[float, Ge(0), Lt(1)] = 0.2
    """share of edges dropped in training"""

    own_node: ClassVar[bool] = False

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

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> Inputs:
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

        def others(similarity: Similarity) -> Similarity:
            """Keep the similarity of training drugs of other scaffolds."""

            def kept(drugs: np.ndarray) -> np.ndarray:
                other = data.scaffold_group[drugs, None] != data.scaffold_group
                return np.where(trained & other, similarity(drugs), 0)

            return kept

        # Cell lines in the order in which responses were learned; in a new cell line nothing was measured.
        place = np.full((len(data.drugs), len(self.cells) + 1), -1, np.int32)
        place[tuple(prepared["measured"].T)] = np.arange(len(prepared["measured"]))
        place = place[:, self.known_cells(data, np.arange(len(data.cells)))]
        by_structure = tanimoto(data.drug_features)

        def structure(drugs: np.ndarray) -> np.ndarray:
            return by_structure(data.drug_features[drugs]).astype(np.float32)

        near_drugs = [
            nearest(others(similarity), len(data.drugs), self.neighbours)
            for similarity in (walk.cosine, structure)
        ]
        return Inputs(
            drug=torch.from_numpy(drug),
            cell=torch.from_numpy(cell),
            node=torch.from_numpy(unit_scale(prepared["drug0.axes"][used, :width])),
            node_type=torch.from_numpy(kind),
            types=len(data.graph.types),
            node_edges=_edges(local, dst, len(used), len(data.drugs)),
            node_prior=torch.from_numpy(np.log(visited)),
            node_relation=torch.from_numpy(kind[local] + len(data.graph.types) * direct),
            response=torch.from_numpy(prepared["response"]),
            response_in_cell=torch.from_numpy(prepared["response_in_cell"]),
            in_cell=torch.from_numpy(place),
            drug_edges=_edges(
                np.concatenate([src for src, *_ in near_drugs]),
                np.concatenate([dst for _, dst, _ in near_drugs]),
                len(data.drugs),
                len(data.drugs),
            ),
            drug_prior=torch.from_numpy(np.concatenate([similarity for *_, similarity in near_drugs])),
            drug_relation=torch.from_numpy(
                np.repeat(np.arange(SIMILARITIES), [len(s) for s, *_ in near_drugs])
            ),
        )

    def network(self, inputs: Inputs, genes: int, generator: torch.Generator) -> Network:
        """Make both attentions and the head."""
        return GATNetwork(
            inputs,
            genes,
            generator,
            heads=self.heads,
            temperature=self.temperature,
            width=self.width,
            input_dropout=self.input_dropout,
            dropout=self.dropout,
            key_width=self.key_width,
            drop_edge=self.drop_edge,
            backend=self.backend,
        )


def _edges(src: np.ndarray, dst: np.ndarray, sources: int, targets: int) -> Edges:
    return Edges(torch.from_numpy(src), torch.from_numpy(dst), sources, targets)
