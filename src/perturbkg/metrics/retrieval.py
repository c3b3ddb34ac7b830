"""Whether a prediction points at its own signature among all test signatures of the cell line."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import centred

TIE = 1e-9  # cosines of float64 products; their rounding must not order equal profiles
CELLS_OF_MATRIX = 1 << 22  # similarities held at once: 32 MiB


@dataclass(frozen=True)
class Retrieval(Metric):
    """Share of the cell line's other test profiles that are closer to the prediction than the right one."""

    fewest: ClassVar[int] = 5
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="retrieval",
            formula="share, among the other test signatures j of the cell line of i, of those with "
            "cos(p_i - m, y_j - m) > cos(p_i - m, y_i - m), m being the mean training profile of the cell "
            "line; equals count one half; the cosine with a profile equal to m (to 1e-5) is 0",
            range=(0, 1),
            better="lower",
            best=0,
            chance=0.5,
            undefined="fewer than 5 other test signatures of the cell line, or no training mean",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Rank within each cell line; memory grows with the largest cell line, not with its square."""
        result = np.full(len(evaluation.cell), np.nan)
        for cell in np.unique(evaluation.cell):
            rows = np.flatnonzero(evaluation.cell == cell)
            mean = evaluation.training_mean[cell][None]
            if len(rows) <= self.fewest or not np.isfinite(mean).all():
                continue
            truth = _unit(centred(evaluation.observed[rows], mean))
            step = max(1, CELLS_OF_MATRIX // len(rows))
            for start in range(0, len(rows), step):
                block = rows[start : start + step]
                guess = _unit(centred(evaluation.predicted[block], mean))
                own = np.einsum("rg,rg->r", guess, truth[start : start + step])
                ahead = guess @ truth.T - own[:, None]  # (block, candidates)
                closer = (ahead > TIE).sum(axis=1)
                equal = (np.abs(ahead) <= TIE).sum(axis=1) - 1  # i itself is no candidate
                result[block] = (closer + equal / 2) / (len(rows) - 1)
        return {"retrieval": result}


def _unit(profiles: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays, so that its cosine with everything is 0."""
    length = np.linalg.norm(profiles, axis=1, keepdims=True)
    return np.divide(profiles, length, out=np.zeros_like(profiles), where=length > 0)
