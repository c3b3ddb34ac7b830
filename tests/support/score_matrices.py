"""Score matrices written by hand, and tables made from them."""

from types import SimpleNamespace

import numpy as np
import polars as pl
from reports import choices_of

from perturbkg.report import registry
from perturbkg.report.estimates import Estimator
from perturbkg.report.score_matrix import ScoreMatrix

NAN = np.nan


def matrix(columns, metric="pearson", parent=None, **strata) -> ScoreMatrix:
    """Make a matrix of (model, ablation, seed) -> values."""
    n = len(next(iter(columns.values())))
    parent = np.arange(n) if parent is None else np.array(parent)
    rows = {
        "fold": [at % 2 for at in range(n)],
        "signature": [f"s{at}" for at in range(n)],
        "parent": [f"P{at}" for at in parent],
        "similarity": 0.5,
        "has_target": True,
        "active": 5,
        "cell": "X",
    }
    return ScoreMatrix(
        "scaffold",
        metric,
        pl.DataFrame(rows | strata),
        parent.astype(np.int64),
        list(columns),
        np.array(list(columns.values()), dtype=float).T,
    )


def untouched(**models):
    """Name the columns of models without an ablation, seed 1."""
    return {(model, "none", 1): values for model, values in models.items()}


def table_of(name, *matrices, headline=("pearson", "rmse"), seed=1, **choices) -> pl.DataFrame:
    """Make one table of the matrices."""
    metrics = ("pearson", "rmse", "dispersion")
    results = SimpleNamespace(
        matrices=matrices,
        headline=[found for found in matrices if found.metric in headline],
        drawn=[found for found in matrices if found.metric in headline[:1]],
        choices=choices_of(metrics=metrics, headline=list(headline), drawn=[headline[0]], **choices),
        estimator=Estimator(200, seed),
    )
    return registry.load("tables", name).make(results)


def paired(shift, n=40, seed=0):
    """Return scores (n,), and the same ones shifted, with a little noise."""
    base = np.random.default_rng(seed).normal(0.3, 0.1, n)
    noise = np.random.default_rng(seed + 1).normal(0, 0.01, n)
    return base, base + shift + noise
