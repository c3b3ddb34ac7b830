"""Whether the genes predicted to move most up (down) are among those that did."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, largest, varies


@dataclass(frozen=True)
class PrecisionExtremes(Metric):
    """Share of the 50 most up (down) regulated predicted genes that are among the 100 of the truth."""

    predicted_size: ClassVar[int] = 50
    observed_size: ClassVar[int] = 100
    infos: ClassVar[tuple[MetricInfo, ...]] = tuple(
        MetricInfo(
            name=f"precision_{way}50",
            formula=f"share of the 50 {extreme} of p_i that are among the 100 {extreme} of y_i; equals are "
            "taken in gene order; chance is 100 / genes, given here for the 978 landmark genes",
            range=(0, 1),
            better="higher",
            best=1,
            chance=100 / 978,
            undefined="constant predicted or observed profile, or fewer than 100 genes",
        )
        for way, extreme in (("up", "highest"), ("down", "lowest"))
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Intersect the extremes row by row."""

        def precision(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            if observed.shape[1] < self.observed_size:
                return np.full(len(observed), np.nan)
            # A constant row has no extremes: gene order alone would choose them.
            defined = varies(observed) & varies(predicted)
            hits = largest(predicted, self.predicted_size) & largest(observed, self.observed_size)
            return np.where(defined, hits.sum(axis=1) / self.predicted_size, np.nan)

        return {
            "precision_up50": by_block(precision, evaluation.observed, evaluation.predicted),
            "precision_down50": by_block(
                lambda observed, predicted: precision(-observed, -predicted),
                evaluation.observed,
                evaluation.predicted,
            ),
        }
