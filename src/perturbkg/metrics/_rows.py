"""What the metrics share: blocks of rows, Pearson and ranks of rows, the choice of genes, centring."""

from collections.abc import Callable

import numpy as np

BLOCK = 64  # rows that fit a core's cache with their temporaries
# ASSUME: a spread below this share of a profile's largest value is float32 rounding (profiles and training
# means are float32 sums over up to some 10,000 signatures), so such a profile is constant.
ROUNDING = 1e-5


def by_block(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Apply a function of row blocks, which returns (rows,), to arrays of n rows: (n,) float64."""
    result = np.empty(len(arrays[0]))
    for start in range(0, len(result), BLOCK):
        rows = slice(start, start + BLOCK)
        result[rows] = function(*(array[rows] for array in arrays))
    return result


def varies(profiles: np.ndarray) -> np.ndarray:
    """Return which rows are not constant, apart from rounding: (rows,) bool."""
    scale = np.abs(profiles).max(axis=1)
    return np.ptp(profiles, axis=1) > ROUNDING * scale


def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlate (rows, genes) row by row in float64; NaN where a row is constant."""
    defined = varies(a) & varies(b)
    a = a - a.mean(axis=1, keepdims=True, dtype=np.float64)
    b = b - b.mean(axis=1, keepdims=True, dtype=np.float64)
    covariance = np.einsum("rg,rg->r", a, b)
    norms = np.sqrt(np.einsum("rg,rg->r", a, a)) * np.sqrt(np.einsum("rg,rg->r", b, b))
    result = np.full(len(a), np.nan)
    np.divide(covariance, norms, out=result, where=defined)
    return np.clip(result, -1, 1)


def tie_bounds(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last position of each value's run of equals in sorted rows: (rows, n) int each."""
    rows, n = ordered.shape
    position = np.arange(n)
    first = np.tile(position, (rows, 1))
    last = first.copy()
    changes = ordered[:, 1:] != ordered[:, :-1]
    tied = ~changes.all(axis=1)
    starts = np.pad(changes[tied], ((0, 0), (1, 0)), constant_values=True)
    ends = np.pad(changes[tied], ((0, 0), (0, 1)), constant_values=True)
    first[tied] = np.maximum.accumulate(np.where(starts, position, 0), axis=1)
    last[tied] = np.minimum.accumulate(np.where(ends, position, n - 1)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def ranks(profiles: np.ndarray) -> np.ndarray:
    """Rank (rows, genes) within each row from 0, equals sharing their average rank."""
    order = np.argsort(profiles, axis=1)
    first, last = tie_bounds(np.take_along_axis(profiles, order, axis=1))
    result = np.empty(profiles.shape)
    np.put_along_axis(result, order, (first + last) / 2, axis=1)
    return result


def largest(values: np.ndarray, k: int) -> np.ndarray:
    """Mark the k largest of each row, equals taken in gene order: (rows, genes) bool, k true in each row."""
    cut = np.partition(values, -k, axis=1)[:, -k, None]
    chosen = values >= cut
    tied = np.count_nonzero(chosen, axis=1) > k
    if tied.any():
        equal = values[tied] == cut[tied]
        surplus = np.count_nonzero(chosen[tied], axis=1) - k
        kept = np.count_nonzero(equal, axis=1) - surplus
        chosen[tied] &= ~equal | (equal.cumsum(axis=1) <= kept[:, None])
    return chosen


def degs(observed: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of each row's k genes with the largest |delta|, in gene order: (rows, k) int."""
    return np.nonzero(largest(np.abs(observed), k))[1].reshape(len(observed), k)


def on_degs(function: Callable[..., np.ndarray], k: int) -> Callable[..., np.ndarray]:
    """Restrict a function of (observed, predicted) to the `degs` of each row; NaN where there are fewer."""

    def restricted(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        if observed.shape[1] < k:
            return np.full(len(observed), np.nan)
        genes = degs(observed, k)
        return function(*(np.take_along_axis(profiles, genes, axis=1) for profiles in (observed, predicted)))

    return restricted


def centred(profiles: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Subtract the training means (rows, genes); a row equal to its mean up to rounding becomes zeros."""
    difference = profiles.astype(np.float64) - means
    scale = np.maximum(np.abs(profiles).max(axis=1), np.abs(means).max(axis=1))
    difference[np.abs(difference).max(axis=1) <= ROUNDING * scale] = 0
    return difference
