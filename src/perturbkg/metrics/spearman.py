"""Spearman correlation over all genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, pearson, ranks, varies


@dataclass(frozen=True)
class Spearman(Metric):
    """Spearman rank correlation of predicted and observed profile over all genes."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="spearman",
            formula="Pearson correlation of the ranks of p_i and y_i over all genes; "
            "equals share their average rank",
            range=(-1, 1),
            better="higher",
            best=1,
            chance=0,
            undefined="constant predicted or observed profile",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Correlate ranks row by row."""

        def spearman(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            defined = varies(observed) & varies(predicted)
            return np.where(defined, pearson(ranks(observed), ranks(predicted)), np.nan)

        return {"spearman": by_block(spearman, evaluation.observed, evaluation.predicted)}
