"""Take away the known targets of each drug, in the graph and outside it."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from perturbkg.ablations import Ablated, Ablation, without_edges
from perturbkg.data import Data
from perturbkg.graph.types import DRUG_PROTEIN, DRUG_SIMILAR_TO_TARGET, DRUG_TARGETS_PROTEIN

TARGET_RELATIONS = (DRUG_TARGETS_PROTEIN, DRUG_SIMILAR_TO_TARGET, DRUG_PROTEIN)


@dataclass(frozen=True)
class NoTargets(Ablation):
    """Remove the edges from drugs to their targets, known or imputed, and empty `targets` and `imputed`."""

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data without targets; notes: how many edges were removed."""
        codes = [code for code, name in enumerate(data.graph.relations) if name in TARGET_RELATIONS]
        return without_edges(
            replace(data, targets=sp.csr_array(data.targets.shape, dtype=np.float32), imputed=None),
            np.isin(data.graph.edges()[2], codes),
        )
