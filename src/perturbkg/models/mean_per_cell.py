"""Mean per cell: every drug does what drugs did on average in that cell line."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model
from perturbkg.training.means import cell_means


@dataclass
class MeanPerCell(Model):
    """Predict the cell line's mean training profile; for a new cell line, the mean of the cell means."""

    kind: ClassVar[Literal["model", "control"]] = "control"

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Average the training profiles of each cell line."""
        self.remember(data, centre=cell_means(train, len(data.cells)))
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Look up the mean of each pair's cell line."""
        return self.learned["centre"][self.known_cells(data, pairs.cell)]
