"""Pearson correlation over the differentially expressed genes (DEGs) of each signature."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbkg.metrics import Evaluation, Metric, MetricInfo
from perturbkg.metrics._rows import by_block, on_degs, pearson


@dataclass(frozen=True)
class PearsonDeg(Metric):
    """Pearson correlation over the 20, 50 and 100 genes that the drug really moved most."""

    # ASSUME: the DEGs of a signature are its k genes with the largest |delta|; a fixed k keeps weak
    # signatures in the average, where a threshold would leave them without genes.
    sizes: ClassVar[tuple[int, ...]] = (20, 50, 100)
    infos: ClassVar[tuple[MetricInfo, ...]] = tuple(
        MetricInfo(
            name=f"pearson_deg{k}",
            formula=f"Pearson correlation of p_i and y_i over the {k} genes with the largest |y_i|; "
            "equals are taken in gene order",
            range=(-1, 1),
            better="higher",
            best=1,
            chance=0,
            undefined=f"predicted or observed profile constant over these genes, or fewer than {k} genes",
        )
        for k in sizes
    )

    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Correlate row by row over genes chosen from the row's own truth."""
        return {
            f"pearson_deg{k}": by_block(on_degs(pearson, k), evaluation.observed, evaluation.predicted)
            for k in self.sizes
        }
