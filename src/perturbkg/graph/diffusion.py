"""Random walks with restart from every drug: diffusion over the graph, which learns nothing.

A graph has many nodes and a data set many drugs, so the walks are in memory once, for drugs with an edge
only; components, nearest nodes and similarities are computed from that without another copy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import torch

from perturbkg.attention.edges import Rows
from perturbkg.graph.arrays import Graph
from perturbkg.io.memory import available_bytes, refuse_unless
from perturbkg.io.scripting import progress

BLOCK = 128  # drugs whose walks are taken side by side
SPARSE_STEPS = 2  # a walk reaches so few nodes in its first steps that most of a dense product is zeros
ROUNDING = 1e-5  # what subtracting the mean and adding it again may leave of a zero
RANK = 1e-6  # share of the largest variance below which a direction is rounding


def adjacency(graph: Graph) -> sp.csr_array:
    """Return the symmetric adjacency matrix (nodes, nodes) float32 in CSR form.

    An entry is the sum of the weights of the edges between two nodes, whatever their relations.
    """
    # Messages are sorted by dst, and both directions are there: they are the rows of a symmetric matrix.
    starts = np.searchsorted(graph.dst, np.arange(graph.nodes + 1))
    weight = np.ones(len(graph.src), dtype=np.float32) if graph.weight is None else graph.weight.copy()
    matrix = sp.csr_array((weight, graph.src, starts), shape=(graph.nodes, graph.nodes))
    matrix.sum_duplicates()
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
    block: int = BLOCK,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first, shares): how much of a walk that starts at each seed node is at each node.

    `shares` (up to `block`, nodes) float32 are those of seeds first, first + 1, ... It is `steps` times
    p <- (1 - restart) S p + restart e, from p = e, the indicator of the seed, with S the symmetrically
    normalised adjacency. Memory: three (nodes, block) matrices; a row depends neither on the others, nor on
    `block`, nor on the number of threads. Raises ValueError for a seed that is no node.
    Source: Koehler et al. 2008, doi:10.1016/j.ajhg.2008.02.013; normalised as by Zhou et al., NeurIPS 2004.
    """
    seeds = np.asarray(seeds)
    if seeds.size and not 0 <= seeds.min() <= seeds.max() < graph.nodes:
        raise ValueError(f"a seed is no node of the graph: nodes are 0 to {graph.nodes - 1}")
    from perturbkg.attention.fused import weighted_sum  # noqa: PLC0415 - a job that reads a kept walk needs no Numba

    spread = normalise(adjacency(graph))
    spread.data *= np.float32(1 - restart)
    place = torch.arange(len(spread.data), dtype=torch.int32)
    other = torch.from_numpy(spread.indices.astype(np.int32, copy=False))
    rows = Rows(torch.from_numpy(spread.indptr.astype(np.int64)), other, place)
    weights = torch.from_numpy(spread.data)
    for first in range(0, len(seeds), block):
        part = seeds[first : first + block]
        count = len(part)
        start = sp.csr_array(
            (np.ones(count, np.float32), (part, np.arange(count))), shape=(graph.nodes, count)
        )
        few = start
        for _ in range(min(steps, SPARSE_STEPS)):
            few = spread @ few + np.float32(restart) * start
        walk = few.toarray()
        for _ in range(steps - SPARSE_STEPS):
            walk = weighted_sum(rows, weights, torch.from_numpy(walk)).numpy()
            walk[part, np.arange(count)] += np.float32(restart)
        yield first, walk.T


@dataclass(frozen=True, eq=False)
class Walk:
    """The walks from all drugs, as log1p(factor * share).

    The rows of drugs without an edge are zero and not stored. The mean row is subtracted from the others, so
    that it does not dominate products between them.
    """

    centred: np.ndarray  # (walking drugs, nodes) float32
    mean: np.ndarray  # (nodes,) float32: the mean row of the walking drugs
    row: np.ndarray  # (drugs,) int64: the row of each drug, -1 for one without an edge
    gram: np.ndarray  # (walking drugs, walking drugs) float32: inner products of the centred rows

    @classmethod
    def of(
        cls, graph: Graph, seeds: np.ndarray, *, restart: float, steps: int, factor: float, own_node: bool
    ) -> "Walk":
        """Walk from the node of each drug; raise InputError if that needs more memory than there is.

        Without `own_node` the share that stays at a drug's own node is set to 0.
        ASSUME: an edge of weight zero does not occur, so a drug without an edge is one without a message.
        """
        walking = np.flatnonzero(np.bincount(graph.dst, minlength=graph.nodes)[seeds] > 0)
        # The rows; some blocks of them while walking, and later the products that give components.
        count = len(walking)
        needed = 4 * (count * graph.nodes + max(4 * BLOCK * graph.nodes, 6 * count**2))
        refuse_unless(
            needed + 24 * len(graph.src),
            available_bytes(),
            what=f"walking from {count:,} drugs over {graph.nodes:,} nodes",
            remedy="keep fewer drugs (filters), take a smaller graph, or ask for more memory",
        )
        rows = np.empty((len(walking), graph.nodes), np.float32)
        blocks = random_walk_with_restart(graph, seeds[walking], restart=restart, steps=steps)
        for first, shares in progress(blocks, total=-(-len(walking) // BLOCK), unit="block"):
            part = rows[first : first + len(shares)]
            np.multiply(shares, np.float32(factor), out=part)
            np.log1p(part, out=part)
        if not own_node:
            rows[np.arange(len(walking)), seeds[walking]] = 0
        mean = rows.mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(graph.nodes)
        mean = mean.astype(np.float32)
        rows -= mean
        row = np.full(len(seeds), -1)
        row[walking] = np.arange(len(walking))
        return cls(rows, mean, row, rows @ rows.T)

    def rows(self, drugs: np.ndarray) -> np.ndarray:
        """Return the walks of some drugs as they are: (drugs, nodes) float32."""
        found = np.zeros((len(drugs), len(self.mean)), np.float32)
        known = self.row[drugs] >= 0
        found[known] = self.centred[self.row[drugs[known]]] + self.mean
        found[found < ROUNDING] = 0  # a node that the walk does not reach
        return found

    def principal_axes(self, drugs: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what `training.inputs.principal_axes` returns for the rows of distinct drugs.

        All drugs without an edge are one row, which weighs as often as it occurs.
        """
        own = self.row[drugs]
        chosen = own[own >= 0]
        absent = len(drugs) - len(chosen)
        weight = np.append(np.ones(len(chosen)), absent)  # of each row, the last that of no walk: -mean
        inner = np.empty((len(weight), len(weight)))
        inner[:-1, :-1] = self.gram[np.ix_(chosen, chosen)]
        inner[-1, :-1] = inner[:-1, -1] = -(self.centred @ self.mean)[chosen]
        inner[-1, -1] = self.mean.astype(np.float64) @ self.mean
        towards_mean = inner @ weight / len(drugs)
        inner -= towards_mean[:, None] + towards_mean - weight @ towards_mean / len(drugs)
        root = np.sqrt(weight)
        inner *= root[:, None] * root
        most = min(components, len(weight))
        values, vectors = scipy.linalg.eigh(
            inner, subset_by_index=(len(weight) - most, len(weight) - 1), overwrite_a=True
        )
        kept = np.flatnonzero(values > RANK * max(values.max(initial=0), 1e-30))[::-1]
        shift = self._sum(chosen, weight[:-1, None])[:, 0] - absent * self.mean
        mean = (self.mean + shift / len(drugs)).astype(np.float32)
        if not len(kept):
            return mean, np.zeros((len(mean), 0), np.float32)
        combined = root[:, None] * vectors[:, kept] / np.sqrt(values[kept])
        axes = self._sum(chosen, combined[:-1]) - np.outer(self.mean, combined[-1].astype(np.float32))
        axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))])
        return mean, axes * np.float32(np.sqrt(len(drugs) / values[kept].mean(dtype=np.float64)))

    def _sum(self, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return weighted sums (nodes, columns) of the chosen centred rows; no copy of them is made."""
        every = np.zeros((len(self.centred), weights.shape[1]), np.float32)
        every[chosen] = weights
        return self.centred.T @ every

    def scores(self, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Return (walk - mean) @ axes of all drugs: (drugs, components) float32."""
        found = np.broadcast_to(-mean @ axes, (len(self.row), axes.shape[1])).copy()
        known = self.row >= 0
        found[known] += (self.centred @ axes + self.mean @ axes)[self.row[known]]
        return found

    def cosine(self, drugs: np.ndarray) -> np.ndarray:
        """Return the cosines of some drugs' centred walks with all: (some, drugs) float32, 0 for no walk."""
        length = np.sqrt(np.maximum(self.gram.diagonal(), 0))
        length[length < 1e-6 * max(length.max(initial=0), 1e-9)] = np.inf
        own = self.row[drugs]
        found = np.zeros((len(own), len(self.row)), np.float32)
        here, there = np.flatnonzero(own >= 0), np.flatnonzero(self.row >= 0)
        rows = own[here]
        found[np.ix_(here, there)] = self.gram[rows] / length[rows, None] / length
        return found
