"""Replace the features of each node by its own random noise: identity without content."""

from dataclasses import dataclass, replace

import numpy as np

from perturbkg.ablations import Ablated, Ablation
from perturbkg.data import Data
from perturbkg.graph.arrays import Features


@dataclass(frozen=True)
class RandomFeatures(Ablation):
    """Replace the features of every node type by fixed standard normal noise of the same width.

    That includes what models read as `drug_features` and `cell_features`. Nodes that had nothing to encode
    keep their zeros. The graph, `targets`, `fingerprints` and `baseline` stay.
    """

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data with noise for features; notes: how many nodes of each type it replaced."""
        features = {}
        for node_type, known in sorted(data.features.items()):
            noise = rng.standard_normal(known.matrix.shape, dtype=np.float32)
            noise[~known.encoded] = 0
            features[node_type] = Features(noise, known.encoded)
        replaced = {node_type: int(known.encoded.sum()) for node_type, known in features.items()}
        return Ablated(replace(data, features=features), {"nodes_replaced": replaced})
