"""The part of a graph that the last layer's nodes can see, layer by layer: nothing else is computed.

A graph network of several layers is read at few nodes. Its last layer needs those and their neighbours from
the layer before, that one their neighbours too, and so on: the sets are exact, and nested. Nodes are numbered
so that each set is a prefix of the next: the nodes that are read, then those new one step away, and so on.
"""

from dataclasses import dataclass

import numpy as np

from perturbkg.graph.arrays import Graph


@dataclass(frozen=True)
class Layer:
    """The messages of one layer, sorted by target; ends are places in `Neighbourhood.nodes`."""

    src: np.ndarray  # (messages,) int32, below sources
    dst: np.ndarray  # (messages,) int32, below targets
    relation: np.ndarray  # (messages,) int16, as in Graph
    sources: int  # the first so many nodes are read
    targets: int  # the first so many nodes are computed

    def __len__(self) -> int:
        """Count the messages."""
        return len(self.src)


@dataclass(frozen=True)
class Neighbourhood:
    """The nodes that an answer depends on, and the messages of each layer, the first layer first."""

    nodes: np.ndarray  # (nodes of the first layer's sources,) int64: their numbers in the graph
    layers: list[Layer]


def neighbourhood(
    graph: Graph,
    wanted: np.ndarray,
    layers: int,
    *,
    group: np.ndarray | None = None,
    fanout: int = 0,
    rng: np.random.Generator | None = None,
    starts: np.ndarray | None = None,
) -> Neighbourhood:
    """Return what `layers` layers read to compute the `wanted` nodes, distinct numbers (n,), in their order.

    Nodes that are new at a step are ordered by (group, number); `group` is (nodes,) int. With `fanout` each
    target keeps at most that many of its messages in each layer, drawn for that layer from `rng` (with
    replacement, repeats dropped; Hamilton et al. 2017, arXiv:1706.02216). `starts`, of `row_starts`, saves
    computing it again. Memory: 10 bytes a message of the answer, and some per node.
    """
    if len(np.unique(wanted)) != len(wanted):
        raise ValueError("a node is wanted twice")
    starts = row_starts(graph) if starts is None else starts
    place = np.full(graph.nodes, -1, dtype=np.int32)
    place[wanted] = np.arange(len(wanted), dtype=np.int32)
    nodes = np.asarray(wanted, dtype=np.int64)
    found: list[Layer] = []
    for _ in range(layers):
        chosen, dst = _incoming(starts, nodes, fanout, rng)
        far = graph.src[chosen]
        new = np.flatnonzero(_marked(far, graph.nodes) & (place < 0))
        if group is not None:
            new = new[np.argsort(group[new], kind="stable")]
        place[new] = np.arange(len(nodes), len(nodes) + len(new), dtype=np.int32)
        targets, nodes = len(nodes), np.concatenate([nodes, new])
        found.append(Layer(place[far], dst, graph.relation[chosen], len(nodes), targets))
    return Neighbourhood(nodes, found[::-1])


def row_starts(graph: Graph) -> np.ndarray:
    """Return where the incoming messages of each node begin: (nodes + 1,) int64."""
    return np.concatenate([[0], np.cumsum(np.bincount(graph.dst, minlength=graph.nodes))])


def _incoming(
    starts: np.ndarray, nodes: np.ndarray, fanout: int, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the messages (numbers) into nodes, node after node, and the places of their targets."""
    degree = np.diff(starts)[nodes]
    begin = starts[nodes]
    if not fanout:
        return _ranges(begin, degree), np.repeat(np.arange(len(nodes), dtype=np.int32), degree)
    if rng is None:
        raise ValueError("sampling needs a generator")
    many = np.flatnonzero(degree > fanout)
    drawn = begin[many, None] + np.floor(rng.random((len(many), fanout)) * degree[many, None]).astype(
        np.int64
    )
    few = np.where(degree > fanout, 0, degree)
    # Messages are sorted by target, so their number orders them too; but nodes come in any order.
    target = np.concatenate([np.repeat(np.arange(len(nodes), dtype=np.int64), few), np.repeat(many, fanout)])
    message = np.concatenate([_ranges(begin, few), drawn.ravel()])
    pairs = np.unique(target * (starts[-1] + 1) + message)
    return pairs % (starts[-1] + 1), (pairs // (starts[-1] + 1)).astype(np.int32)


def _ranges(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return begin[0], begin[0] + 1, ... (length[0] of them), then those of the next: (sum of length,)."""
    total = int(length.sum())
    jump = begin - np.concatenate([[0], np.cumsum(length)[:-1]]) if len(length) else begin
    return np.repeat(jump, length) + np.arange(total)


def _marked(numbers: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) bool: which numbers occur."""
    marked = np.zeros(count, dtype=bool)
    marked[numbers] = True
    return marked
