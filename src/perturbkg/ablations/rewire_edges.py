"""Keep the number of edges between two types in every relation, and nothing else about the graph."""

from dataclasses import dataclass, replace

import numpy as np

from perturbkg.ablations import Ablated, Ablation
from perturbkg.data import Data
from perturbkg.graph.rewiring import draw_edges, moved_share


@dataclass(frozen=True)
class RewiredEdges(Ablation):
    """Give every edge random ends of the right types; node degrees go too. Features and `targets` stay."""

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data with a random graph; notes: share of the edges that moved."""
        graph = draw_edges(data.graph, rng)
        return Ablated(replace(data, graph=graph), {"moved_share": moved_share(data.graph, graph)})
