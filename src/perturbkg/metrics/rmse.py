"""Root mean squared error over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class Rmse(Metric):
    """Root mean squared error over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="rmse",
            formula="square root of the mean over all genes of (p_i - y_i)²; "
            "chance depends on the spread of the data: compare with the models `zero` and `mean`",
            range=(0, np.inf),
            better="lower",
            best=0,
            chance=None,
            undefined="",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average squared errors row by row."""

        def rmse(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            error = predicted.astype(np.float64) - observed
            return np.sqrt(np.mean(error**2, axis=1))

        return {"rmse": by_block(rmse, evaluation.observed, evaluation.predicted)}
