"""Whether the differentially expressed genes are predicted to move the right way."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, degs


@dataclass(frozen=True)
class DirectionDeg(Metric):
    """Share of the 100 most moved genes whose sign is predicted right."""

    size: ClassVar[int] = 100
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="direction_deg100",
            formula="share of the 100 genes with the largest |y_i| for which p_i has the sign of y_i; "
            "a predicted 0 counts one half, genes with y_i = 0 do not count",
            range=(0, 1),
            better="higher",
            best=1,
            chance=0.5,
            undefined="all of y_i is 0, or fewer than 100 genes",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Compare signs row by row over genes chosen from the row's own truth."""

        def direction(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            result = np.full(len(observed), np.nan)
            if observed.shape[1] < self.size:
                return result
            genes = degs(observed, self.size)
            truth = np.sign(np.take_along_axis(observed, genes, axis=1)).astype(np.float64)
            agreement = truth * np.sign(np.take_along_axis(predicted, genes, axis=1))  # 1, 0 or -1
            moved = np.abs(truth).sum(axis=1)
            np.divide(((1 + agreement) / 2 * np.abs(truth)).sum(axis=1), moved, out=result, where=moved > 0)
            return result

        return {"direction_deg100": by_block(direction, evaluation.observed, evaluation.predicted)}
