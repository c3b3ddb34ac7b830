"""Make all drugs look the same to a model, so that it can only use the cell line."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from perturbkg.ablations import Ablated, Ablation, blank, edges_at, without_edges
from perturbkg.data import Data


@dataclass(frozen=True)
class NoDrug(Ablation):
    """Replace what is known of a drug by a constant, in training and test, and cut its node off.

    Fingerprints become all ones, so that any two drugs have the similarity 1 rather than 0/0. Which row
    of `drugs` a pair names stays: a model that averages by drug (mean per drug) still can.
    """

    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return data without drugs; notes: how many edges were removed."""
        constant = replace(
            data,
            features=blank(data.features, "lincs_drug"),
            fingerprints=np.ones_like(data.fingerprints),
            smiles=None,
            targets=sp.csr_array(data.targets.shape, dtype=np.float32),
            imputed=None,
        )
        return without_edges(constant, edges_at(data.graph, data.drug_node))
