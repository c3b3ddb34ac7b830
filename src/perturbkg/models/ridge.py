"""Ridge: the best that a linear map of structure, targets, baseline, dose and time can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Len
from scipy.linalg import cho_factor, cho_solve

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import REFITTED, Model
from perturbkg.training.conditions import learn_conditions, read_conditions
from perturbkg.training.inputs import learn_projections, project
from perturbkg.training.refit import joined
from perturbkg.training.target_scale import Scaled, TargetScale


@dataclass
class Ridge(Model):
    """Linear regression of the residual on the cell mean; the penalty is chosen on the validation part."""

    conditions: ClassVar[bool] = True

    penalties: Annotated[tuple[Annotated[float, Gt(0)], ...], Len(1)] = (0.3, 1.0, 3.0, 10.0, 30.0)
    """penalties to choose from, per training signature"""
    components: Annotated[int, Ge(1)] = 512
    """principal components kept of each block of inputs"""
    target_scale: TargetScale = "sqrt"
    """what training profiles are divided by: nothing, the root of their norm, or their norm"""

    refit: bool = True
    """whether, once the penalty is chosen, coefficients are fitted to training and validation together"""

    @property
    def chosen(self) -> dict[str, str]:
        """Name the penalty, and what it was refitted on."""
        return super().chosen | {"penalty": f"{self.learned['penalty'].item():g}"}

    @property
    def parameters(self) -> int:
        """Count the coefficients."""
        return self.learned["coefficients"].size

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Keep the penalty with the best validation Pearson, and with `refit` what it gives on both parts."""
        best, found = -np.inf, {}
        for solution in self._solve(data, train, self.penalties):
            self.remember(data, **solution)
            score = _mean_pearson(self.predict(data, validation), validation.delta)
            if score > best:
                best, found = score, solution
        if self.refit:
            both = joined(train, validation)
            (found,) = self._solve(data, both, [float(found["penalty"])])
            found[REFITTED] = np.array(len(both))
        self.remember(data, **found)
        return []

    def _solve(self, data: Data, seen: Signatures, penalties: Sequence[float]) -> list[dict[str, np.ndarray]]:
        """Solve the normal equations for each penalty: what `predict` needs, by name."""
        scaled = Scaled.learn(seen, len(data.cells), self.target_scale)
        learned = learn_projections(_drug_blocks(data), data.cell_features, seen, self.components)
        learned |= learn_conditions(seen)
        inputs = _design(*project(_drug_blocks(data), data.cell_features, learned), seen, learned)
        gram = inputs.T @ inputs
        moment = inputs.T @ (scaled.scale * scaled.residual)
        solutions = []
        for penalty in penalties:
            factor = cho_factor(gram + penalty * len(seen) * np.eye(len(gram)))
            coefficients = cho_solve(factor, moment).astype(np.float32)
            own = {"base": scaled.base, "penalty": np.array(penalty), "coefficients": coefficients}
            solutions.append(learned | own)
        return solutions

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Add the linear prediction to the mean of the pair's cell line."""
        drug, cell = project(_drug_blocks(data), data.cell_features, self.learned)
        residual = _design(drug, cell, pairs, self.learned).astype(np.float32) @ self.learned["coefficients"]
        return self.learned["base"][self.known_cells(data, pairs.cell)] + residual


def _drug_blocks(data: Data) -> list[np.ndarray]:
    return [data.drug_features, data.targets.toarray()]


def _design(
    drug: np.ndarray, cell: np.ndarray, pairs: Pairs, learned: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the inputs of pairs (pairs, columns) float64; residuals average zero, so no intercept."""
    conditions = read_conditions(pairs, learned)
    return np.concatenate([drug[pairs.drug], cell[pairs.cell], conditions], axis=1).astype(np.float64)


def _mean_pearson(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Average the correlations of the rows; a constant row counts 0."""
    p = predicted - predicted.mean(axis=1, keepdims=True)
    y = observed - observed.mean(axis=1, keepdims=True)
    size = np.linalg.norm(p, axis=1) * np.linalg.norm(y, axis=1)
    return float(np.divide((p * y).sum(axis=1), size, out=np.zeros(len(p)), where=size > 0).mean())
