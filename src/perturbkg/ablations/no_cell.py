"""Make all cell lines look the same to a model, except for their names."""

from dataclasses import dataclass, replace

import numpy as np

from perturbkg.ablations import Ablated, Ablation, blank, edges_at, without_edges
from perturbkg.data import Data


@dataclass(frozen=True)
class NoCell(Ablation):
    """Replace the features and baseline of a cell line by a constant and cut its node off.

    Every cell line gets the mean baseline. Which row of `cells` a pair names stays: a model that adds the
    training mean of the cell line still does.
    """

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data without cell lines; notes: how many edges were removed."""
        mean = data.baseline.mean(axis=0, dtype=np.float64).astype(np.float32)
        constant = replace(
            data,
            features=blank(data.features, "cell_line"),
            baseline=np.broadcast_to(mean, data.baseline.shape).copy(),
        )
        return without_edges(constant, edges_at(data.graph, data.cell_node))
