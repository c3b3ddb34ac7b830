"""Whether predictions differ from drug to drug as much as the truth does, or collapse to a mean."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo

GENES_AT_ONCE = 64


@dataclass(frozen=True)
class Dispersion(Metric):
    """Variance of the predictions over variance of the truth within a cell line, mean over genes."""

    fewest: ClassVar[int] = 5
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="dispersion",
            formula="mean over genes of var(p) / var(y), both over the test signatures of one cell line, "
            "genes with var(y) = 0 left out; each signature of the cell line is given this one value; "
            "near 0 is mean collapse; chance depends on the model's spread alone",
            range=(0, np.inf),
            better="closer",
            best=1,
            chance=None,
            undefined="fewer than 5 test signatures of the cell line, or no gene varies among them",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Compare variances within each cell line."""
        result = np.full(len(evaluation.cell), np.nan)
        for cell in np.unique(evaluation.cell):
            rows = np.flatnonzero(evaluation.cell == cell)
            if len(rows) < self.fewest:
                continue
            truth = _variance(evaluation.observed, rows)
            moving = truth > 0
            if moving.any():
                result[rows] = np.mean(_variance(evaluation.predicted, rows)[moving] / truth[moving])
        return {"dispersion": result}


def _variance(profiles: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the variance of each gene over some rows, (genes,); exactly 0 where all are equal."""
    variance = np.empty(profiles.shape[1])
    for start in range(0, len(variance), GENES_AT_ONCE):
        genes = slice(start, start + GENES_AT_ONCE)
        values = profiles[rows, genes].astype(np.float64)
        variance[genes] = np.var(values - values[0], axis=0)
    return variance
