"""Remove all edges: a graph model keeps only the features of each node."""

from dataclasses import dataclass

import numpy as np

from perturbkg.ablations import Ablated, Ablation, without_edges
from perturbkg.data import Data


@dataclass(frozen=True)
class NoGraph(Ablation):
    """Remove every edge (models add their own self-loops).

    ASSUME: `targets` stays. It is an annotation of the drug, from the compound table and the knowledge
    graph, and every model has it. One that reads it knows without edges what the MLP knows; one that reads
    targets as edges alone loses them.
    """

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data whose graph has no edge; notes: how many were removed."""
        graph = data.graph
        return without_edges(data, np.ones(len(graph.edges()[0]), dtype=bool))
