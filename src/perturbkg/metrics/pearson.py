"""Pearson correlation over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, pearson


@dataclass(frozen=True)
class Pearson(Metric):
    """Pearson correlation of predicted and observed profile over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="pearson",
            formula="Pearson correlation of p_i and y_i over all genes",
            range=(-1, 1),
            better="higher",
            best=1,
            chance=0,
            undefined="constant predicted or observed profile",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Correlate row by row."""
        return {"pearson": by_block(pearson, evaluation.observed, evaluation.predicted)}
