"""Intervals and paired tests of the tables; random generators come from the seed and the identity of a row.

So equal scores give equal bytes, and adding a model changes no other model's interval.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from perturbkg.metrics import value_infos
from perturbkg.scoring.bootstrap import clustered_interval
from perturbkg.scoring.compare import benjamini_hochberg, paired_difference

ALPHA = 0.05
INTERVAL = {
    "mean": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "parents": pl.Int64,
    "signatures": pl.Int64,
}
DIFFERENCE = {
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "better": pl.String,  # which of the two is better at q < 0.05, or "neither"
    "paired_parents": pl.Int64,
    "paired_signatures": pl.Int64,
}


@dataclass(frozen=True)
class Estimator:
    """Estimates by resampling, each with its own generator, seeded by its identity."""

    resamples: int
    seed: int

    def _generator(self, *identity: str) -> np.random.Generator:
        """Return a generator that depends on the seed and the identity, not on what was drawn before."""
        digest = hashlib.sha256("\0".join(identity).encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest[:8], "little")])

    def interval(self, values: np.ndarray, parent: np.ndarray, *identity: str) -> dict[str, Any]:
        """Return the columns INTERVAL of values (rows,), NaN where undefined."""
        rng = self._generator("interval", *identity)
        found = clustered_interval(values, parent, resamples=self.resamples, rng=rng)
        return dict(
            zip(INTERVAL, (found.mean, found.low, found.high, found.clusters, found.values), strict=True)
        )

    def difference(self, a: np.ndarray, b: np.ndarray, parent: np.ndarray, *identity: str) -> dict[str, Any]:
        """Return the paired difference a - b over the rows that both have a value for.

        These are the columns DIFFERENCE without q and better, which `judge` adds to a whole table.
        """
        rng = self._generator("difference", *identity)
        found = paired_difference(a, b, parent, resamples=self.resamples, rng=rng)
        return {
            "difference": found.mean,
            "difference_low": found.low,
            "difference_high": found.high,
            "p": found.p,
            "paired_parents": found.clusters,
            "paired_signatures": found.values,
        }


def compared(metric: str, values: np.ndarray) -> np.ndarray:
    """Return what is compared: the value, or its distance from the best where closer is better."""
    info = value_infos()[metric]
    return np.abs(values - info.best) if info.better == "closer" else values


def badness(metric: str) -> pl.Expr:
    """Return what a column `mean` of the metric is sorted by, the best first."""
    info, mean = value_infos()[metric], pl.col("mean")
    return {"higher": -mean, "lower": mean, "closer": (mean - info.best).abs()}[info.better]


def adjust(p: pl.Series) -> pl.Series:
    """Return q of every p that is defined."""
    return pl.Series("q", benjamini_hochberg(p.fill_null(float("nan")).to_numpy()), nan_to_null=True)


def judge(frame: pl.DataFrame, first: pl.Expr, second: pl.Expr) -> pl.DataFrame:
    """Add q over the whole frame, and which of two names is better where q says that one is."""
    higher = pl.col("metric").is_in([name for name, info in value_infos().items() if info.better == "higher"])
    wins = (pl.col("difference") > 0) == higher
    return frame.with_columns(adjust(frame["p"])).with_columns(
        better=pl.when(pl.col("q") < ALPHA)
        .then(pl.when(wins).then(first).otherwise(second))
        .when(pl.col("q") >= ALPHA)
        .then(pl.lit("neither"))
    )
