"""Skeleton: say in one sentence what this takes away from what a model is given."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from perturbkg.ablations import Ablated, Ablation, without_edges
from perturbkg.data import Data


@dataclass(frozen=True)
class Skeleton(Ablation):
    """Say what is left: here, the graph without a share of its edges, drawn at random."""

    # A field with a default is an option: `ablation_options: {skeleton: {share: 0.9}}` in a config sets it.
    share: Annotated[float, Gt(0), Le(1)] = 0.5
    """share of the edges that is removed"""

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return ablated data, and notes about what changed (JSON, for run.json); `data` stays as it is."""
        edges = len(data.graph.edges()[0])
        return without_edges(data, rng.random(edges) < self.share)
