"""MLP without drug: the control for the claim that the drug input does nothing."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from perturbkg.data import Data
from perturbkg.models._perceptron import PerceptronModel


@dataclass
class MLPNoDrug(PerceptronModel):
    """The network of `mlp` on cell features alone: all drugs get the same prediction in a cell line."""

    kind: ClassVar[Literal["model", "control"]] = "control"

    def drug_blocks(self, data: Data) -> list[np.ndarray]:
        """Read nothing of a drug."""
        return [np.zeros((len(data.drugs), 0), np.float32)]
