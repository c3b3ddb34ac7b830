"""Root mean squared error over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._errors import error_info, root_mean_square
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class Rmse(Metric):
    """Root mean squared error over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        error_info("rmse", "square root of the mean over all genes of (p_i - y_i)²"),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average squared errors row by row."""
        return {"rmse": by_block(root_mean_square, evaluation.observed, evaluation.predicted)}
