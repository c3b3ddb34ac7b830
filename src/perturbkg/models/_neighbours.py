"""Which columns are most similar to each row, as edges for attention."""

from collections.abc import Callable

import numpy as np

ROWS = 256  # rows whose similarities to all columns are in memory at a time

#: Similarity of some rows (n,) to all columns: (n, columns) float32.
Similarity = Callable[[np.ndarray], np.ndarray]


def nearest(similarity: Similarity, rows: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return edges from the `count` columns most similar to each row, at most, of a similarity above 0.

    (src, dst, similarity), (edges,) each, by row. The similarity is computed block by block.
    """
    found = []
    for first in range(0, rows, ROWS):
        block = np.arange(first, min(first + ROWS, rows))
        value = similarity(block)
        kept = min(count, value.shape[1])
        if kept:
            src = np.argpartition(-value, kept - 1, axis=1)[:, :kept]
            src = np.sort(src, axis=1).ravel()
            dst = np.repeat(np.arange(len(block)), kept)
            near = value[dst, src]
            found.append((src[near > 0], block[dst[near > 0]], near[near > 0]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    src, dst, near = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return src, dst, near
