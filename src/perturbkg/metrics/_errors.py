"""What the error metrics share: the errors themselves, and what their numbers mean."""

import numpy as np

from perturbkg.metrics import Evaluation, MetricInfo

NO_STD = "no predicted std above 0"


def error_info(name: str, formula: str, undefined: str = "") -> MetricInfo:
    """Describe an error: 0 is perfect, lower is better, and only the data say what is large."""
    return MetricInfo(
        name=name,
        formula=f"{formula}; "
        "chance depends on the spread of the data: compare with the models `zero` and `mean`",
        range=(0, np.inf),
        better="lower",
        best=0,
        chance=None,
        undefined=undefined,
    )


def mean_absolute(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Average |predicted - observed| (rows, genes) row by row: (rows,) float64."""
    return np.mean(np.abs(predicted.astype(np.float64) - observed), axis=1)


def root_mean_square(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the root of the mean of (predicted - observed)² (rows, genes) row by row: (rows,) float64."""
    return np.sqrt(np.mean((predicted.astype(np.float64) - observed) ** 2, axis=1))


def expected(evaluation: Evaluation) -> np.ndarray:
    """Return the error that the model expects of each row: (rows,) float64, NaN where that is not above 0."""
    if evaluation.std is None:
        return np.full(len(evaluation.cell), np.nan)
    return np.where(evaluation.std > 0, evaluation.std, np.nan).astype(np.float64)
