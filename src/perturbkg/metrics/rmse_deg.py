"""Root mean squared error over the differentially expressed genes of each signature."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, degs


@dataclass(frozen=True)
class RmseDeg(Metric):
    """Root mean squared error over the 100 genes that the drug really moved most."""

    size: ClassVar[int] = 100
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="rmse_deg100",
            formula="square root of the mean of (p_i - y_i)² over the 100 genes with the largest |y_i|; "
            "chance depends on the spread of the data: compare with the models `zero` and `mean`",
            range=(0, np.inf),
            better="lower",
            best=0,
            chance=None,
            undefined="fewer than 100 genes",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average squared errors row by row over genes chosen from the row's own truth."""

        def rmse(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            if observed.shape[1] < self.size:
                return np.full(len(observed), np.nan)
            genes = degs(observed, self.size)
            truth = np.take_along_axis(observed, genes, axis=1).astype(np.float64)
            return np.sqrt(np.mean((np.take_along_axis(predicted, genes, axis=1) - truth) ** 2, axis=1))

        return {"rmse_deg100": by_block(rmse, evaluation.observed, evaluation.predicted)}
