"""Move the edges of a graph within their relations: degree-preserving swaps, or random endpoints.

Every edge keeps its relation and the types of its two ends. Edges of one relation and one pair of types
make a stratum, and strata never mix, so the types are respected by construction. Between two types an
edge has a side for each; within one type it has none: its two ends are exchangeable.
"""

from collections.abc import Iterator

import numpy as np

from perturbkg.graph.arrays import Graph


def swap_edges(graph: Graph, swaps_per_edge: int, rng: np.random.Generator) -> Graph:
    """Return a random graph with the same degree of every node in every relation.

    Double edge swaps (a-b, c-d -> a-d, c-b) without self-loops and repeated edges, about `swaps_per_edge`
    attempts for each edge; Milo et al. 2003, arXiv:cond-mat/0312028.
    """
    low, high, flipped = _canonical(graph)
    for rows, from_type, to_type in _strata(graph, low, high):
        low[rows], high[rows] = _swap(low[rows], high[rows], from_type == to_type, swaps_per_edge, rng)
    return _restored(graph, low, high, flipped)


def draw_edges(graph: Graph, rng: np.random.Generator) -> Graph:
    """Return a graph with as many edges in every stratum, drawn uniformly among all possible ones."""
    low, high, flipped = _canonical(graph)
    for rows, from_type, to_type in _strata(graph, low, high):
        lows, highs = np.flatnonzero(graph.node_type == from_type), np.flatnonzero(graph.node_type == to_type)
        if from_type == to_type:
            i, j = _unordered(_distinct(len(rows), len(lows) * (len(lows) - 1) // 2, rng))
        else:
            i, j = np.divmod(_distinct(len(rows), len(lows) * len(highs), rng), len(highs))
        low[rows], high[rows] = lows[i], highs[j]
    return _restored(graph, low, high, flipped)


def moved_share(before: Graph, after: Graph) -> dict[str, float | None]:
    """Return for each relation the share of its undirected edges that are gone; None where it has none.

    The key "all" is the share over all relations.
    """
    low, high, _ = _canonical(before)
    new_low, new_high, _ = _canonical(after)
    relation, new_relation = before.edges()[2], after.edges()[2]
    moved = np.zeros(len(low), dtype=bool)
    for code in range(len(before.relations)):
        old, new = relation == code, new_relation == code
        moved[old] = ~np.isin(
            low[old] * before.nodes + high[old], new_low[new] * before.nodes + new_high[new]
        )
    parts = {name: moved[relation == code] for code, name in enumerate(before.relations)}
    return {
        name: float(part.mean()) if len(part) else None for name, part in ({"all": moved} | parts).items()
    }


def _canonical(graph: Graph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ends of each edge in ascending order of (type, number) and which were the other way."""
    head, tail, _ = graph.edges()
    kind = graph.node_type
    flipped = (kind[head] > kind[tail]) | ((kind[head] == kind[tail]) & (head > tail))
    low, high = np.where(flipped, tail, head), np.where(flipped, head, tail)
    return low.astype(np.int64), high.astype(np.int64), flipped


def _restored(graph: Graph, low: np.ndarray, high: np.ndarray, flipped: np.ndarray) -> Graph:
    """Return the graph with new ends, as many edges of each relation pointing down as before.

    Each edge keeps its weight.
    """
    head, tail = np.where(flipped, high, low), np.where(flipped, low, high)
    return graph.with_edges(head, tail, graph.edges()[2], graph.edge_weights())


def _strata(graph: Graph, low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """Yield the edge numbers and the two types of each (relation, type, type)."""
    kinds = len(graph.types)
    stratum = (graph.edges()[2].astype(np.int64) * kinds + graph.node_type[low]) * kinds
    stratum += graph.node_type[high]
    order = np.argsort(stratum, kind="stable")
    starts = np.flatnonzero(np.diff(stratum[order])) + 1
    for rows in np.split(order, starts) if len(order) else []:
        yield rows, int(graph.node_type[low[rows[0]]]), int(graph.node_type[high[rows[0]]])


def _swap(
    low: np.ndarray, high: np.ndarray, within: bool, swaps_per_edge: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Swap the ends of random disjoint pairs of edges, many at once; `within`: both ends are of one type.

    A pair is swapped only if its two present and its two proposed edges each occur once among all present
    and all proposed edges of the round. That multiset is the same seen from the state after the round, so
    each round is as likely as its reverse, and every reachable graph is equally likely in the long run.
    """
    edges, span = len(low), int(max(low.max(), high.max())) + 1
    keys = low * span + high
    # A round draws each of edges // 2 disjoint pairs with probability 1/2 (always swapping would make the
    # walk periodic), so four rounds attempt as many swaps as there are edges.
    for _ in range(4 * swaps_per_edge if edges > 1 else 0):
        pairs = rng.binomial(edges // 2, 0.5)
        order = rng.permutation(edges)
        one, two = order[:pairs], order[pairs : 2 * pairs]
        a, b, c, d = low[one], high[one], low[two], high[two]
        if within:  # either end of the second edge may meet either end of the first
            turned = rng.random(pairs) < 0.5
            c, d = np.where(turned, d, c), np.where(turned, c, d)
            loopless = (a != d) & (c != b)
            one, two, a, b, c, d = (part[loopless] for part in (one, two, a, b, c, d))
            a, d, c, b = np.minimum(a, d), np.maximum(a, d), np.minimum(c, b), np.maximum(c, b)
        new_one, new_two = a * span + d, c * span + b
        seen = np.sort(np.concatenate([keys, new_one, new_two]))
        repeated = seen[1:][seen[1:] == seen[:-1]]
        free = ~(_in(keys[one], repeated) | _in(keys[two], repeated))
        free &= ~(_in(new_one, repeated) | _in(new_two, repeated))
        one, two = one[free], two[free]
        low[one], high[one], keys[one] = a[free], d[free], new_one[free]
        low[two], high[two], keys[two] = c[free], b[free], new_two[free]
    return low, high


def _in(values: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Say which values occur in a sorted array; np.isin would sort the values as well."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    place = np.searchsorted(ascending, values)
    return ascending[np.minimum(place, len(ascending) - 1)] == values


def _distinct(count: int, possible: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` different numbers below `possible`, every set of them equally likely."""
    if 2 * count > possible:
        return rng.permutation(possible)[:count]
    found = np.empty(0, dtype=np.int64)
    while len(found) < count:
        found = np.unique(np.concatenate([found, rng.integers(possible, size=count - len(found))]))
    return found


def _unordered(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn pair numbers 0, 1, 2, 3... into the pairs (0, 1), (0, 2), (1, 2), (0, 3)...

    Exact below 2**50: the root of a perfect square is exact, and others are far from the next integer.
    """
    larger = ((1 + np.sqrt(8 * number + 1)) // 2).astype(np.int64)
    return number - larger * (larger - 1) // 2, larger
