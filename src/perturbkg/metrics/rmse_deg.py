"""Root mean squared error over the differentially expressed genes of each signature."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._errors import error_info, root_mean_square
from perturbkg.metrics._rows import by_block, on_degs


@dataclass(frozen=True)
class RmseDeg(Metric):
    """Root mean squared error over the 100 genes that the drug really moved most."""

    size: ClassVar[int] = 100
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        error_info(
            "rmse_deg100",
            "square root of the mean of (p_i - y_i)² over the 100 genes with the largest |y_i|",
            undefined="fewer than 100 genes",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average squared errors row by row over genes chosen from the row's own truth."""
        rmse = on_degs(root_mean_square, self.size)
        return {"rmse_deg100": by_block(rmse, evaluation.observed, evaluation.predicted)}
