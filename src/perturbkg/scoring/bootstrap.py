"""Confidence intervals over signatures that are not independent: parents are averaged, then resampled."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CELLS_OF_MATRIX = 1 << 22  # random numbers held at once: 32 MiB


@dataclass(frozen=True)
class Interval:
    """A mean over clusters with its interval; NaN where there is nothing to average or to resample."""

    mean: float
    low: float
    high: float
    clusters: int
    values: int  # that entered
    dropped: int  # NaN: undefined scores


def clustered_interval(
    values: np.ndarray,
    clusters: np.ndarray,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Interval:
    """Average within each cluster, then bootstrap clusters: mean and percentile interval (Efron 1979).

    `values` (n,) float with NaN where undefined, `clusters` (n,) labels of any sortable kind. The order of
    the rows does not matter. One cluster has a mean but no interval.
    """
    values, clusters = np.asarray(values, dtype=np.float64), np.asarray(clusters)
    defined = ~np.isnan(values)
    means = cluster_means(values[defined], clusters[defined])
    mean, low, high = mean_and_interval(means, resamples=resamples, level=level, rng=rng)
    return Interval(mean, low, high, len(means), int(defined.sum()), int((~defined).sum()))


def cluster_means(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the mean of each cluster, in the order of the sorted labels: (clusters,)."""
    _, code = np.unique(clusters, return_inverse=True)
    return np.bincount(code, weights=values) / np.bincount(code) if len(values) else np.empty(0)


def mean_and_interval(
    means: np.ndarray, *, resamples: int, level: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the mean of independent numbers (k,) and its percentile interval."""
    if len(means) < 2:
        return (float(means[0]) if len(means) else np.nan), np.nan, np.nan
    drawn = np.concatenate(
        [
            means[rng.integers(0, len(means), (count, len(means)))].mean(axis=1)
            for count in blocks(resamples, len(means))
        ]
    )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(means.mean()), float(low), float(high)


def blocks(rows: int, width: int) -> Iterator[int]:
    """Cut a number of rows into blocks of bounded size; the cut depends on nothing else."""
    step = max(1, CELLS_OF_MATRIX // width)
    for start in range(0, rows, step):
        yield min(step, rows - start)
