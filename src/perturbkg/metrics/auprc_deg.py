"""Whether the size of the predicted change finds the strongly changed genes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, tie_bounds


@dataclass(frozen=True)
class AuprcDeg(Metric):
    """Average precision of the predicted |delta| at finding the genes observed at 2 or more."""

    # ASSUME: a gene is differentially expressed at |z| >= 2 (Level 5 deltas are moderated z-scores).
    threshold: ClassVar[float] = 2.0
    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="auprc_deg",
            formula="average precision of |p_i| for the genes with |y_i| >= 2: mean, over these genes, of "
            "the share of such genes among all with an |p_i| at least as large; "
            "chance is the share of such genes in y_i",
            range=(0, 1),
            better="higher",
            best=1,
            chance=None,
            undefined="no gene, or every gene, with an observed |delta| of 2 or more",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Average precision row by row."""

        def average_precision(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            changed = np.abs(observed) >= self.threshold
            strength = -np.abs(predicted)  # ascending order: the strongest first
            order = np.argsort(strength, axis=1)
            _, last = tie_bounds(np.take_along_axis(strength, order, axis=1))
            found = np.take_along_axis(changed, order, axis=1)
            hits = np.take_along_axis(found.cumsum(axis=1), last, axis=1)
            precision = hits / (last + 1)
            positives = found.sum(axis=1)
            result = np.full(len(observed), np.nan)
            defined = (positives > 0) & (positives < observed.shape[1])
            np.divide((precision * found).sum(axis=1), positives, out=result, where=defined)
            return np.minimum(result, 1)

        return {"auprc_deg": by_block(average_precision, evaluation.observed, evaluation.predicted)}
