"""Mean absolute error over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class Mae(Metric):
    """Mean absolute error over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="mae",
            formula="mean over all genes of |p_i - y_i|; "
            "chance depends on the spread of the data: compare with the models `zero` and `mean`",
            range=(0, np.inf),
            better="lower",
            best=0,
            chance=None,
            undefined="",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average absolute errors row by row."""

        def mae(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return np.mean(np.abs(predicted.astype(np.float64) - observed), axis=1)

        return {"mae": by_block(mae, evaluation.observed, evaluation.predicted)}
