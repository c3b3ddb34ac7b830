"""Nearest drugs: a drug does what the training drugs of most similar structure did."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Gt

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.drugs.similarity import tanimoto
from perturbkg.models import Model
from perturbkg.training.means import cell_means


@dataclass
class NearestDrugs(Model):
    """Add to the cell line's mean the weighted mean residual of the nearest training drugs' signatures.

    A signature weighs Tanimoto^power, times `same_cell` if it is of the same cell line. Drugs without any
    similarity leave the cell mean.
    """

    neighbours: Annotated[int, Ge(1)] = 200
    """training drugs that count"""
    power: Annotated[float, Ge(0)] = 4.0
    """exponent of the Tanimoto similarity"""
    same_cell: Annotated[float, Gt(0)] = 10.0
    """how much more a signature of the same cell line weighs"""

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Keep the residuals and the fingerprints of the training drugs."""
        centre = cell_means(train, len(data.cells))
        drugs, drug = np.unique(train.drug, return_inverse=True)
        self.remember(
            data,
            centre=centre,
            residual=train.delta - centre[train.cell],
            drug=drug,
            cell=train.cell,
            fingerprints=data.fingerprints[drugs],
        )
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Average the residuals and add the mean of the pair's cell line."""
        drugs, row = np.unique(pairs.drug, return_inverse=True)
        near = self._nearest(data.fingerprints[drugs])  # (asked drugs, training drugs)
        signatures = len(self.learned["drug"])
        of_drug = sp.csr_array(
            (np.ones(signatures), (self.learned["drug"], np.arange(signatures))),
            shape=(near.shape[1], signatures),
        )
        weights = (near @ of_drug)[row].tocoo()  # (pairs, training signatures)
        cell = self.known_cells(data, pairs.cell)
        same = cell[weights.row] == self.learned["cell"][weights.col]
        weights.data *= np.where(same, self.same_cell, 1.0)
        total = weights.sum(axis=1)
        residual = weights.tocsr() @ self.learned["residual"].astype(np.float64)
        residual /= np.where(total > 0, total, 1)[:, None]
        return self.learned["centre"][cell] + residual.astype(np.float32)

    def _nearest(self, fingerprints: np.ndarray) -> sp.csr_array:
        """Return Tanimoto^power to the nearest training drugs, 0 to others: (drugs, training drugs)."""
        similarity = tanimoto(self.learned["fingerprints"])(fingerprints)
        count = min(self.neighbours, similarity.shape[1])
        # A stable sort: among equally similar drugs the first ones count, on every machine.
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        values = np.take_along_axis(similarity, order, axis=1) ** self.power
        rows = np.repeat(np.arange(len(similarity)), count)
        near = sp.csr_array((values.ravel(), (rows, order.ravel())), shape=similarity.shape)
        near.eliminate_zeros()
        return near
