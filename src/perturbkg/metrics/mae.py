"""Mean absolute error over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._errors import error_info, mean_absolute
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class Mae(Metric):
    """Mean absolute error over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (error_info("mae", "mean over all genes of |p_i - y_i|"),)

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average absolute errors row by row."""
        return {"mae": by_block(mean_absolute, evaluation.observed, evaluation.predicted)}
