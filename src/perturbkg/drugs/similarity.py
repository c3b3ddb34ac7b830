"""Tanimoto similarity of fingerprints, and of real vectors in general."""

from collections.abc import Callable

import numpy as np

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
