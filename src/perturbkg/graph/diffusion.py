"""Diffuse over the graph without learning anything: random walks with restart, and their compression."""

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from perturbkg.graph.arrays import Graph


def adjacency(
    graph: Graph, *, relation_weights: Mapping[str, float] | None = None, binary: bool = False
) -> sp.csr_array:
    """Return the symmetric adjacency matrix (nodes, nodes) float32 in CSR form.

    An entry is the sum of the weights (default 1 each) of all edges between two nodes, whatever their
    relations; with `binary` it is 1 where that sum is above 0. Raises ValueError for an unknown relation.
    """
    weights = np.ones(len(graph.relations), dtype=np.float32)
    for relation, weight in (relation_weights or {}).items():
        if weight < 0:
            raise ValueError(f"relation {relation!r}: a walk needs a weight of at least 0, not {weight}")
        weights[graph.relations.index(relation)] = weight
    # Messages are sorted by dst, and both directions are there: they are the rows of a symmetric matrix.
    starts = np.searchsorted(graph.dst, np.arange(graph.nodes + 1))
    matrix = sp.csr_array(
        (weights[graph.relation % max(len(weights), 1)], graph.src, starts), shape=(graph.nodes, graph.nodes)
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if binary:
        matrix.data[:] = 1
    return matrix


def normalise(matrix: sp.csr_array) -> sp.csr_array:
    """Return D^-1/2 A D^-1/2 of a symmetric matrix; the row of a node without edges stays empty."""
    degree = matrix.sum(axis=1, dtype=np.float64)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    data = matrix.data * scale[rows] * scale[matrix.indices]
    return sp.csr_array((data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def random_walk_with_restart(
    graph: Graph,
    seeds: np.ndarray,
    *,
    restart: float = 0.3,
    steps: int = 6,
    columns: np.ndarray | None = None,
    relation_weights: Mapping[str, float] | None = None,
    binary: bool = False,
    block: int = 128,
) -> np.ndarray:
    """Return (seeds, nodes) float32: how much of a walk that starts at each seed node is at each node.

    `steps` times p <- (1 - restart) S p + restart e, from p = e, the indicator of the seed, with S the
    symmetrically normalised adjacency. With `columns` (node numbers) only these columns are returned.
    Memory: two (nodes, block) matrices beside the result; a row does not depend on the others or on `block`.
    Source: Koehler et al. 2008, doi:10.1016/j.ajhg.2008.02.013; normalised as by Zhou et al., NeurIPS 2004.
    """
    seeds = np.asarray(seeds)
    if seeds.size and not 0 <= seeds.min() <= seeds.max() < graph.nodes:
        raise ValueError(f"a seed is no node of the graph: nodes are 0 to {graph.nodes - 1}")
    spread = normalise(adjacency(graph, relation_weights=relation_weights, binary=binary))
    spread.data *= np.float32(1 - restart)
    kept = np.arange(graph.nodes) if columns is None else np.asarray(columns)
    result = np.empty((len(seeds), len(kept)), dtype=np.float32)
    for start in range(0, len(seeds), block):
        part = seeds[start : start + block]
        start_at = (part, np.arange(len(part)))
        walk = np.zeros((graph.nodes, len(part)), dtype=np.float32)
        walk[start_at] = 1
        for _ in range(steps):
            walk = spread @ walk
            walk[start_at] += np.float32(restart)
        result[start : start + block] = walk[kept].T
    return result


def log_scale(share: np.ndarray, factor: float = 1e3) -> np.ndarray:
    """Return log1p(factor * share): nodes far from the seed count too, not only its neighbours."""
    return np.log1p(np.float32(factor) * share)


def compress(matrix: np.ndarray, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Return the truncated SVD scores U S (rows, dim) float32 of a matrix (rows, columns).

    The sign of a component is fixed by its largest entry, so an equal matrix and generator state give equal
    scores. A matrix with fewer rows or columns than `dim` leaves the last columns zero.
    Source: Halko et al. 2011, doi:10.1137/090771806.
    """
    width = min(dim, *matrix.shape)
    scores = np.zeros((matrix.shape[0], dim), dtype=np.float32)
    if width:
        left, singular, _ = randomized_svd(
            matrix, width, n_iter=7, flip_sign=True, random_state=int(rng.integers(2**32))
        )
        scores[:, :width] = left * singular
    return scores
