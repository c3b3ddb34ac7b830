"""Tanimoto similarity of fingerprints, and of real vectors in general."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

EMPTY = np.float32(1e-9)  # divides the inner product of two zero vectors, which is 0


def tanimoto(references: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from vectors (n, columns) to similarities (n, references) float64.

    <a, b> / (<a, a> + <b, b> - <a, b>): for fingerprints of 0 and 1, bits in common over bits in either; 0
    for two zero vectors. Inner products are float32, which is exact for fingerprints.
    """
    references = references.astype(np.float32, copy=False)
    of_references = np.square(references).sum(axis=1)

    def similarity(vectors: np.ndarray) -> np.ndarray:
        vectors = vectors.astype(np.float32, copy=False)
        inner = vectors @ references.T
        union = np.square(vectors).sum(axis=1)[:, None] + of_references - inner
        return inner.astype(np.float64) / np.maximum(union, EMPTY)

    return similarity


def nearest(queries: np.ndarray, references: np.ndarray, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of the reference most similar to each query, the first of equals, and the similarity."""
    row = np.empty(len(queries), dtype=np.int64)
    similarity = np.empty(len(queries))
    compare = tanimoto(references)
    for start in range(0, len(queries), block):
        found = compare(queries[start : start + block])
        row[start : start + block] = best = found.argmax(axis=1)
        similarity[start : start + block] = found[np.arange(len(found)), best]
    return row, similarity


def count_tanimoto(counts: sp.csr_array, references: sp.csr_array | None = None) -> np.ndarray:
    """Return the min/max Tanimoto of rows of counts with those of `references` or each other, float32.

    Sum of min(a, b) over sum of max(a, b); 0 for two rows of zeros. doi:10.1016/j.neunet.2005.07.009.
    """
    references = counts if references is None else references
    most = int(max(counts.data.max(initial=1), references.data.max(initial=1)))
    one, other = _unary(counts, most), _unary(references, most)
    common = np.asarray((one @ other.T).toarray(), np.float32)
    sizes = [np.diff(rows.indptr).astype(np.float32) for rows in (one, other)]
    return common / np.maximum(sizes[0][:, None] + sizes[1] - common, EMPTY)


def _unary(counts: sp.csr_array, most: int) -> sp.csr_array:
    """Write a count n as n ones: min(a, b) is the number of t with a >= t and b >= t, an inner product."""
    repeats = counts.data.astype(np.int64)
    ends = np.cumsum(repeats)
    level = np.arange(repeats.sum()) - np.repeat(ends - repeats, repeats)
    column = np.repeat(counts.indices.astype(np.int64), repeats) * most + level
    starts = np.concatenate([[0], ends])[counts.indptr]
    return sp.csr_array(
        (np.ones(len(column), np.float32), column, starts), shape=(counts.shape[0], counts.shape[1] * most)
    )
