"""How much memory layers of attention need, estimated before any of it is allocated."""

from collections.abc import Sequence
from dataclasses import dataclass

FLOAT = 4
ONCE = 250 * 2**20  # compiled code, and what libraries take at the first step, whatever the graph
# Of an edge: its ends as given, its other end and its place in both sorted orders, int32 each; its relation.
STRUCTURE = 6 * 4 + 2
# Of an element of a node's vector: what a layer keeps of each source and of each target for its backward
# pass, and what that holds for a while beside it.
KEPT = (2, 3)
PASSING = (2, 2)


@dataclass(frozen=True)
class Size:
    """The size of a layer."""

    sources: int
    targets: int
    edges: int


def training_bytes(
    sizes: Sequence[Size],
    *,
    columns: int,
    itemsize: int,
    width: int,
    heads: int,
    backend: str,
    checkpointing: bool,
) -> int:
    """Estimate the bytes of a forward and a backward pass over layers, the first layer first.

    `columns` of input per node of `itemsize` bytes each, `width` of its vector, shared by `heads`. A backend
    that stores the message of each edge (`torch`) needs the most. benchmarks/scaling.py holds the estimate
    against measurements.
    """
    kept_edge, passing_edge, _ = _numbers_per_edge(backend, width, heads)
    kept = [
        FLOAT * (width * (KEPT[0] * size.sources + KEPT[1] * size.targets) + kept_edge * size.edges)
        for size in sizes
    ]
    passing = [
        FLOAT * (width * (PASSING[0] * size.sources + PASSING[1] * size.targets) + passing_edge * size.edges)
        for size in sizes
    ]
    inputs = input_bytes(sizes, columns=columns, itemsize=itemsize) + FLOAT * width * sizes[0].sources + ONCE
    if checkpointing:
        between = sum(FLOAT * width * size.sources for size in sizes)
        return inputs + between + max(a + b for a, b in zip(kept, passing, strict=True))
    return inputs + sum(kept) + max(passing)


def predicting_bytes(
    sizes: Sequence[Size], *, columns: int, itemsize: int, width: int, heads: int, backend: str
) -> int:
    """Estimate the bytes of a forward pass alone, of whose layers one is in memory at a time."""
    *_, edge = _numbers_per_edge(backend, width, heads)
    inputs = input_bytes(sizes, columns=columns, itemsize=itemsize) + FLOAT * width * sizes[0].sources + ONCE
    return inputs + max(
        FLOAT * (width * (2 * size.sources + 3 * size.targets) + edge * size.edges) for size in sizes
    )


def input_bytes(sizes: Sequence[Size], *, columns: int, itemsize: int) -> int:
    """Return the bytes of what layers read and do not learn: the nodes' features and the edges."""
    return sizes[0].sources * columns * itemsize + STRUCTURE * sum(size.edges for size in sizes)


def _numbers_per_edge(backend: str, width: int, heads: int) -> tuple[int, int, int]:
    """Return those kept for the backward pass, those held for a while in either, and in predicting."""
    messages = 2 * heads + 2 * width
    return {
        "fused": (heads, 0, heads),
        "triton": (2, heads, 0),  # edges by relation are kept, two numbers each
        "dgl": (2 * heads, 2 * heads, 2 * heads),
    }.get(backend, (messages, messages, messages))
