"""Pearson correlation of what is specific to a drug: after subtracting the cell line's training mean."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, centred, pearson


@dataclass(frozen=True)
class PearsonCentred(Metric):
    """Pearson correlation after subtracting the cell line's mean training profile from both."""

    infos: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            name="pearson_centred",
            formula="Pearson correlation over all genes of p_i - m and y_i - m, m being the mean training "
            "profile of the cell line of i",
            range=(-1, 1),
            better="higher",
            best=1,
            chance=0,
            undefined="predicted or observed profile equal to the training mean of its cell line (to 1e-5), "
            "or no training mean",
        ),
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Correlate row by row; the means are gathered block by block."""

        def pearson_centred(observed: np.ndarray, predicted: np.ndarray, cell: np.ndarray) -> np.ndarray:
            means = evaluation.training_mean[cell]
            return pearson(centred(observed, means), centred(predicted, means))

        return {
            "pearson_centred": by_block(
                pearson_centred, evaluation.observed, evaluation.predicted, evaluation.cell
            )
        }
