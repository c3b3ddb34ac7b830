"""Model against model on the same signatures: paired differences, sign-flip test, false discovery rate."""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

from perturbkg.scoring.bootstrap import blocks, cluster_means, mean_and_interval

EXACT = 12  # clusters up to which all 2^clusters sign flips are tried
ROUNDING = 1e-12  # share of the largest difference below which two sums are equal


@dataclass(frozen=True)
class Difference:
    """Mean of a - b over clusters, its interval and two-sided p-value; NaN where undefined."""

    mean: float
    low: float
    high: float
    p: float
    clusters: int
    values: int  # pairs that entered
    dropped: int  # pairs of which at least one is NaN


def paired_difference(
    a: np.ndarray,
    b: np.ndarray,
    clusters: np.ndarray,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Difference:
    """Compare two models' scores (n,) of the same signatures, in the same order, averaged within clusters.

    The test flips the sign of whole clusters: all ways for up to 12 clusters, else `resamples` random ones
    with p = (1 + as extreme) / (1 + resamples) (Phipson and Smyth 2010), so p is never 0.
    """
    a, b, clusters = np.asarray(a, np.float64), np.asarray(b, np.float64), np.asarray(clusters)
    defined = ~(np.isnan(a) | np.isnan(b))
    differences = cluster_means((a - b)[defined], clusters[defined])
    mean, low, high = mean_and_interval(differences, resamples=resamples, level=level, rng=rng)
    p = _sign_flip(differences, resamples, rng) if len(differences) else np.nan
    return Difference(mean, low, high, p, len(differences), int(defined.sum()), int((~defined).sum()))


def _sign_flip(differences: np.ndarray, resamples: int, rng: np.random.Generator) -> float:
    """Return the two-sided p-value of a mean of 0, were each difference as likely its negative."""
    k = len(differences)
    observed = abs(differences.sum()) - ROUNDING * np.abs(differences).sum()
    if k <= EXACT:
        signs = np.array(list(itertools.product((-1, 1), repeat=k)))
        return float(np.mean(np.abs(signs @ differences) >= observed))
    extreme = sum(
        int((np.abs((2 * rng.integers(0, 2, (count, k)) - 1) @ differences) >= observed).sum())
        for count in blocks(resamples, k)
    )
    return (1 + extreme) / (1 + resamples)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjust p-values (n,) for the false discovery rate over all comparisons of a table; NaN stays NaN."""
    p = np.asarray(p, dtype=np.float64)
    defined = ~np.isnan(p)
    q = np.full(p.shape, np.nan)
    if defined.any():
        q[defined] = false_discovery_control(p[defined], method="bh")
    return q
