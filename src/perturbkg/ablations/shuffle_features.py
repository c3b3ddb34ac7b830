"""Give each node the features of another node of its type: content without identity."""

from dataclasses import dataclass, replace

import numpy as np

from perturbkg.ablations import Ablated, Ablation
from perturbkg.data import Data
from perturbkg.graph.arrays import Features


@dataclass(frozen=True)
class ShuffledFeatures(Ablation):
    """Permute the feature vectors among the nodes of a type that have one.

    The graph, `targets`, `fingerprints` and `baseline` stay.
    """

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data with permuted features; notes: share of the vectors that moved, null without any."""
        features, moved = {}, {}
        for node_type, known in sorted(data.features.items()):
            rows = np.flatnonzero(known.encoded)
            drawn = rng.permutation(rows)
            matrix = known.matrix.copy()
            matrix[rows] = known.matrix[drawn]
            features[node_type] = Features(matrix, known.encoded)
            moved[node_type] = float((rows != drawn).mean()) if len(rows) else None
        return Ablated(replace(data, features=features), {"moved_share": moved})
