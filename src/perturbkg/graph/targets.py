"""Targets of drugs, as the edges of a graph say: what an ablation that rewires the graph rewires too."""

import numpy as np
import scipy.sparse as sp

from perturbkg.graph.arrays import Graph
from perturbkg.graph.types import DRUG_SIMILAR_TO_TARGET, DRUG_TARGETS_PROTEIN


def own_targets(graph: Graph, drug_node: np.ndarray) -> tuple[sp.csr_array, sp.csr_array]:
    """Return known and imputed targets of each L1000 drug, as weights of edges: (drugs, nodes) float32 each.

    A relation that the graph lacks has no edges.
    """
    return (
        _joined(graph, DRUG_TARGETS_PROTEIN, drug_node),
        _joined(graph, DRUG_SIMILAR_TO_TARGET, drug_node),
    )


def _joined(graph: Graph, relation: str, drug_node: np.ndarray) -> sp.csr_array:
    """Return which nodes a relation joins with each drug: (drugs, nodes) float32."""
    code = graph.relations.index(relation) if relation in graph.relations else -1
    head, tail, codes = graph.edges()
    kept = codes == code
    ends = np.concatenate([head[kept], tail[kept]]), np.concatenate([tail[kept], head[kept]])
    weight = np.tile(graph.edge_weights()[kept], 2)
    return sp.csr_array((weight, ends), shape=(graph.nodes, graph.nodes))[drug_node]
