"""Whether predictions are as wrong as their model expects."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._errors import NO_STD, expected, root_mean_square
from perturbkg.metrics._rows import by_block


@dataclass(frozen=True)
class StdErrorRatio(Metric):
    """Root mean squared error over the one that the model expects: above 1, it is too sure of itself."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="std_error_ratio",
            formula="square root of the mean over all genes of (p_i - y_i)², over the std that the model "
            "predicts for i; chance depends on what the model expects",
            range=(0, np.inf),
            better="closer",
            best=1,
            chance=None,
            undefined=NO_STD,
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Divide the error of each row by the expected one."""
        error = by_block(root_mean_square, evaluation.observed, evaluation.predicted)
        return {"std_error_ratio": error / expected(evaluation)}
