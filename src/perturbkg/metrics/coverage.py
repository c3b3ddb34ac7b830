"""How many genes are within the error that the model expects."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._errors import NO_STD, expected
from perturbkg.metrics._rows import by_block

WIDTH = 1.96  # standard deviations from the mean of a normal distribution that hold 95 % of it


@dataclass(frozen=True)
class Coverage(Metric):
    """Share of genes whose error is within 1.96 predicted standard deviations; 95 % if errors are normal."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="coverage",
            formula="share of genes with |p_i - y_i| <= 1.96 times the std that the model predicts for i; "
            "chance depends on what the model expects",
            range=(0, 1),
            better="closer",
            best=0.95,
            chance=None,
            undefined=NO_STD,
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Count genes row by row."""
        std = expected(evaluation)

        def share(observed: np.ndarray, predicted: np.ndarray, std: np.ndarray) -> np.ndarray:
            error = np.abs(predicted.astype(np.float64) - observed)
            return np.where(np.isnan(std), np.nan, (error <= WIDTH * std[:, None]).mean(axis=1))

        return {"coverage": by_block(share, evaluation.observed, evaluation.predicted, std)}
