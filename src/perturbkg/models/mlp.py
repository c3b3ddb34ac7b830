"""MLP: structure, known targets and the cell line's baseline, without the graph."""

from dataclasses import dataclass

import numpy as np

from perturbkg.data import Data
from perturbkg.models._perceptron import PerceptronModel


@dataclass
class MLP(PerceptronModel):
    """A perceptron on drug features, multi-hot targets and cell features."""

    def drug_blocks(self, data: Data) -> list[np.ndarray]:
        """Read features and targets of each drug."""
        return [data.drug_features, data.targets.toarray()]
