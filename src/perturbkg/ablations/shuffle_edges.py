"""Keep the degree of every node in every relation, and shuffle which nodes are connected."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge

from perturbkg.ablations import Ablated, Ablation
from perturbkg.data import Data
from perturbkg.graph.rewiring import moved_share, swap_edges


@dataclass(frozen=True)
class ShuffledEdges(Ablation):
    """Swap the ends of pairs of edges within each relation; features and `targets` stay."""

    swaps_per_edge: Annotated[int, Ge(0)] = 10
    """swaps tried for each edge"""

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data with a rewired graph; notes: share of the edges that moved."""
        graph = swap_edges(data.graph, self.swaps_per_edge, rng)
        return Ablated(replace(data, graph=graph), {"moved_share": moved_share(data.graph, graph)})
