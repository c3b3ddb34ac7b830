"""Targets of drugs, as the edges of a graph say: what an ablation that rewires the graph rewires too."""

import numpy as np
import scipy.sparse as sp

from perturbkg.graph.arrays import Graph
from perturbkg.graph.types import DRUG_IS_DRUG, DRUG_PROTEIN, DRUG_TARGETS_PROTEIN


def own_targets(graph: Graph, drug_node: np.ndarray) -> sp.csr_array:
    """Return the targets of each L1000 drug: (drugs, nodes) float32 of 0 and 1.

    They are those of the compound table and those of the drug of the knowledge graph that it is. A relation
    that the graph lacks has no edges.
    """
    direct = _joined(graph, DRUG_TARGETS_PROTEIN)[drug_node]
    same = _joined(graph, DRUG_IS_DRUG)[drug_node]
    found = sp.csr_array(direct + same @ _joined(graph, DRUG_PROTEIN))
    found.data[:] = 1
    return found


def _joined(graph: Graph, relation: str) -> sp.csr_array:
    """Return which nodes a relation joins, in both directions: (nodes, nodes) float32."""
    head, tail, code = graph.edges()
    kept = (
        code == graph.relations.index(relation) if relation in graph.relations else np.zeros(len(code), bool)
    )
    ends = np.concatenate([head[kept], tail[kept]]), np.concatenate([tail[kept], head[kept]])
    return sp.csr_array((np.ones(len(ends[0]), np.float32), ends), shape=(graph.nodes, graph.nodes))
