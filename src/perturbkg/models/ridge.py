"""Ridge: the best that a linear map of structure, targets and baseline can do."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Len
from scipy.linalg import cho_factor, cho_solve

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model
from perturbkg.training.inputs import learn_projections, project
from perturbkg.training.means import cell_means


@dataclass
class Ridge(Model):
    """Linear regression of the residual on the cell mean; the penalty is chosen on the validation part."""

    penalties: Annotated[tuple[Annotated[float, Gt(0)], ...], Len(1)] = (0.3, 1.0, 3.0, 10.0, 30.0)
    """penalties to choose from, per training signature"""
    components: Annotated[int, Ge(1)] = 512
    """principal components kept of each block of inputs"""

    @property
    def parameters(self) -> int:
        """Count the coefficients."""
        return self.learned["coefficients"].size

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Solve the normal equations for each penalty and keep the one with the best validation Pearson."""
        centre = cell_means(train, len(data.cells))
        learned = learn_projections(_drug_blocks(data), data.cell_features, train, self.components)
        drug, cell = project(_drug_blocks(data), data.cell_features, learned)
        inputs = _design(drug, cell, train)
        gram = inputs.T @ inputs
        moment = inputs.T @ (train.delta - centre[train.cell])
        best = (-np.inf, 0.0, np.zeros(0))
        for penalty in self.penalties:
            ridge = gram + penalty * len(train) * np.eye(len(gram))
            coefficients = cho_solve(cho_factor(ridge), moment)
            predicted = centre[validation.cell] + _design(drug, cell, validation) @ coefficients
            score = _mean_pearson(predicted, validation.delta)
            if score > best[0]:
                best = (score, penalty, coefficients)
        self.remember(
            data,
            centre=centre,
            penalty=np.array(best[1]),
            coefficients=best[2].astype(np.float32),
            **learned,
        )
        return []

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Add the linear prediction to the mean of the pair's cell line."""
        drug, cell = project(_drug_blocks(data), data.cell_features, self.learned)
        residual = _design(drug, cell, pairs).astype(np.float32) @ self.learned["coefficients"]
        return self.learned["centre"][self.known_cells(data, pairs.cell)] + residual


def _drug_blocks(data: Data) -> list[np.ndarray]:
    return [data.drug_features, data.targets.toarray()]


def _design(drug: np.ndarray, cell: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Return the inputs of pairs (pairs, columns) float64; residuals average zero, so no intercept."""
    return np.concatenate([drug[pairs.drug], cell[pairs.cell]], axis=1).astype(np.float64)


def _mean_pearson(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Average the correlations of the rows; a constant row counts 0."""
    p = predicted - predicted.mean(axis=1, keepdims=True)
    y = observed - observed.mean(axis=1, keepdims=True)
    size = np.linalg.norm(p, axis=1) * np.linalg.norm(y, axis=1)
    return float(np.divide((p * y).sum(axis=1), size, out=np.zeros(len(p)), where=size > 0).mean())
