"""Skeleton: say in one sentence what this metric asks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class Skeleton(Metric):
    """Say how: here, the median absolute error over all genes."""

    # One entry for each value that `compute` returns. A value is written into the scores under this name, so
    # that no other metric may use it.
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="skeleton",
            formula="median over all genes of |p_i - y_i|; "
            "chance depends on the spread of the data: compare with the models `zero` and `mean`",
            range=(0, np.inf),
            better="lower",
            best=0,
            chance=None,  # what a prediction that knows nothing scores, where that is one number
            undefined="",  # when a value is NaN; "" if it never is
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Return name -> (signatures,) float64, NaN where undefined."""

        def error(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return np.median(np.abs(predicted.astype(np.float64) - observed), axis=1)

        return {"skeleton": by_block(error, evaluation.observed, evaluation.predicted)}
