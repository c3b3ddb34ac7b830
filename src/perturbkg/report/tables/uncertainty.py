"""Whether models know how wrong they are."""

from typing import Any, ClassVar

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from perturbkg.report.choices import Choices
from perturbkg.report.grid import Grid, plain
from perturbkg.report.results import Results
from perturbkg.report.score_matrix import ScoreMatrix
from perturbkg.report.tables import Columns, Table, Titles
from perturbkg.scoring.bootstrap import cluster_means

RATIO, COVERAGE, ERROR = "std_error_ratio", "coverage", "rmse"


class Uncertainty(Table):
    """One row per split and model without an ablation that predicts its own error."""

    title = "Expected errors"
    note = (
        "Of models that predict, with each profile, the error that it will have (std). Spearman: rank "
        "correlation over test signatures of predicted and observed error, mean over seeds; 0 means that "
        "the model does not know where it is wrong. Coverage: share of genes within 1.96 std, 0.95 if "
        "errors are normal and as large as expected. Ratio: observed over predicted error, 1 is best. Both "
        "are means over parents."
    )
    section = "uncertainty"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "model": pl.String,
        "spearman": pl.Float64,  # null where rmse is not among the metrics of the run
        "coverage": pl.Float64,
        "std_error_ratio": pl.Float64,
        "signatures": pl.Int64,  # with a predicted error
    }
    titles: ClassVar[Titles] = {"std_error_ratio": "Ratio"}

    def compute(self, results: Results) -> pl.DataFrame:
        """Compare predicted with observed errors; the former is the latter over their ratio."""
        found = {(matrix.split, matrix.metric): matrix for matrix in results.matrices}
        rows: list[dict[str, Any]] = []
        for split in sorted({split for split, metric in found if metric == RATIO}):
            ratio, coverage, error = (found.get((split, metric)) for metric in (RATIO, COVERAGE, ERROR))
            for model, values in ratio.untouched.items() if ratio else ():
                if not np.isnan(values).all():
                    rows.append(
                        {
                            "split": split,
                            "model": model,
                            "spearman": _known(model, ratio, error) if ratio and error else None,
                            "coverage": _mean(model, coverage) if coverage else None,
                            "std_error_ratio": _mean(model, ratio) if ratio else None,
                            "signatures": int((~np.isnan(values)).sum()),
                        }
                    )
        return self.frame(rows)

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return one grid, or none where no model predicts its own error."""
        digits = dict.fromkeys(("spearman", "coverage", "std_error_ratio"), 3)
        return [plain(self.title, frame, titles=self.titles, digits=digits)] if frame.height else []


def _mean(model: str, matrix: ScoreMatrix) -> float:
    """Average over seeds, then parents."""
    values = matrix.untouched[model]
    defined = ~np.isnan(values)
    return float(cluster_means(values[defined], matrix.parent[defined]).mean())


def _known(model: str, ratio: ScoreMatrix, error: ScoreMatrix) -> float:
    """Correlate the ranks of predicted and observed errors of each run; return the mean, NaN if undefined."""
    found = []
    for column, run in enumerate(ratio.runs):
        if run[:2] == (model, "none"):
            observed, over = error.values[:, error.runs.index(run)], ratio.values[:, column]
            defined = over > 0
            observed, expected = observed[defined], observed[defined] / over[defined]
            if len(observed) and np.ptp(observed) > 0 and np.ptp(expected) > 0:
                found.append(spearmanr(expected, observed).statistic)
    return float(np.mean(found)) if found else float("nan")
