"""Rewiring: edges move, and the invariants hold."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.graph.arrays import Graph
from perturbkg.graph.rewiring import draw_edges, moved_share, swap_edges

TYPES = ["gene", "drug", "disease"]
RELATIONS = ["gene_gene", "drug_gene", "mixed", "empty"]


def make(edges, node_type):
    """Make a graph of (head, tail, relation) triples."""
    head, tail, relation = np.array(sorted(edges), dtype=np.int64).reshape(-1, 3).T
    return Graph.from_edges(
        head, tail, relation, node_type=np.array(node_type), types=TYPES, relations=RELATIONS
    )


@st.composite
def graphs(draw):
    """Draw a simple graph of three types: a relation within one, one between two, one among all."""
    node_type = draw(st.lists(st.integers(0, 2), min_size=3, max_size=14))
    node = st.integers(0, len(node_type) - 1)
    drawn = draw(st.lists(st.tuples(node, node, st.integers(0, 2)), max_size=60))
    allowed = {0: {(0, 0)}, 1: {(1, 0)}}
    edges = {
        (min(h, t), max(h, t), r): (h, t, r)
        for h, t, r in drawn
        if h != t and (node_type[h], node_type[t]) in allowed.get(r, {(node_type[h], node_type[t])})
    }
    return make(edges.values(), node_type)


def undirected(graph):
    """Count each undirected edge of each relation."""
    return Counter(
        (int(r), min(int(h), int(t)), max(int(h), int(t))) for h, t, r in zip(*graph.edges(), strict=True)
    )


def degrees(graph):
    """Count the edges of each node by relation and by the type at the other end."""
    head, tail, relation = graph.edges()
    return Counter(
        (int(r), int(one), int(graph.node_type[other]))
        for h, t, r in zip(head, tail, relation, strict=True)
        for one, other in ((h, t), (t, h))
    )


def type_counts(graph):
    """Count the edges of each relation by the types of head and tail."""
    head, tail, relation = graph.edges()
    return Counter(zip(relation, graph.node_type[head], graph.node_type[tail], strict=True))


@pytest.mark.parametrize("rewire", [lambda *args: swap_edges(args[0], 3, args[1]), draw_edges])
@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_edges_keep_their_weights_within_a_relation(rewire, graph, seed):
    edges = graph.edges()
    weight = np.linspace(0.125, 1, len(edges[0]), dtype=np.float32)
    weighted = graph.with_edges(*edges, weight)
    rng = np.random.default_rng(seed)
    after = rewire(weighted, rng)
    assert Counter(zip(after.edges()[2], after.edge_weights(), strict=True)) == Counter(
        zip(edges[2], weight, strict=True)
    )
    plain = rewire(graph, np.random.default_rng(seed))
    assert undirected(after) == undirected(plain)
    assert plain.weight is None


@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_swaps_keep_degrees_types_and_simplicity(graph, seed):
    swapped = swap_edges(graph, 3, np.random.default_rng(seed))
    assert degrees(swapped) == degrees(graph)
    assert type_counts(swapped) == type_counts(graph)
    edges = undirected(swapped)
    assert all(count == 1 and low != high for (_, low, high), count in edges.items())


@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_drawn_edges_keep_counts_types_and_simplicity(graph, seed):
    drawn = draw_edges(graph, np.random.default_rng(seed))
    assert type_counts(drawn) == type_counts(graph)
    edges = undirected(drawn)
    assert all(count == 1 and low != high for (_, low, high), count in edges.items())


@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_moved_share_counts_undirected_edges(graph, seed):
    swapped = swap_edges(graph, 3, np.random.default_rng(seed))
    before, after = undirected(graph), undirected(swapped)
    share = moved_share(graph, swapped)
    for code, name in [(None, "all"), *enumerate(RELATIONS)]:
        old = [edge for edge in before if code in (None, edge[0])]
        gone = sum(edge not in after for edge in old)
        assert share[name] == (pytest.approx(gone / len(old)) if old else None)


def test_worked_example():
    # Drugs 0, 1 and genes 2, 3: two edges 0-2, 1-3 can only become 0-3, 1-2.
    graph = make([(0, 2, 1), (1, 3, 1)], [1, 1, 0, 0])
    seen = set()
    for seed in range(20):
        swapped = swap_edges(graph, 1, np.random.default_rng(seed))
        seen.add((frozenset(undirected(swapped)), moved_share(graph, swapped)["drug_gene"]))
    assert seen == {
        (frozenset({(1, 0, 2), (1, 1, 3)}), 0.0),
        (frozenset({(1, 0, 3), (1, 1, 2)}), 1.0),
    }


def test_edges_within_a_type_have_no_direction():
    # 0-1, 2-3 may become 0-2, 1-3 as well as 0-3, 1-2: all three perfect matchings are equally likely.
    graph = make([(0, 1, 0), (2, 3, 0)], [0, 0, 0, 0])
    seen = Counter(
        frozenset(undirected(swap_edges(graph, 3, np.random.default_rng(seed)))) for seed in range(600)
    )
    assert len(seen) == 3
    assert min(seen.values()) > 150  # 200 expected, standard deviation 11.5


def test_all_graphs_with_the_given_degrees_are_equally_likely():
    # Degrees 2, 2, 1 against 2, 2, 1: five simple bipartite graphs, one of them with a closed pair.
    graph = make([(0, 3, 1), (0, 4, 1), (1, 3, 1), (1, 5, 1), (2, 4, 1)], [1, 1, 1, 0, 0, 0])
    runs = 1500
    seen = Counter(
        frozenset(undirected(swap_edges(graph, 5, np.random.default_rng(seed)))) for seed in range(runs)
    )
    assert len(seen) == 5
    expected = runs / 5
    chi_square = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi_square < 18.5  # 0.999 quantile with 4 degrees of freedom


def test_what_cannot_move_stays():
    # A star and a complete graph are the only graphs with their degrees.
    star = [(0, leaf, 0) for leaf in range(1, 6)]
    complete = [(a, b, 2) for a in range(6) for b in range(a)]
    graph = make(star + complete, [0] * 6)
    swapped = swap_edges(graph, 10, np.random.default_rng(0))
    for key in ("src", "dst", "relation"):
        assert np.array_equal(getattr(swapped, key), getattr(graph, key))
    assert moved_share(graph, swapped) == {
        "all": 0,
        "gene_gene": 0,
        "mixed": 0,
        "drug_gene": None,
        "empty": None,
    }


def test_a_graph_without_edges():
    graph = make([], [0, 1, 2])
    for after in (
        swap_edges(graph, 10, np.random.default_rng(0)),
        draw_edges(graph, np.random.default_rng(0)),
    ):
        assert len(after.src) == 0
        assert set(moved_share(graph, after).values()) == {None}


def test_drawn_edges_cover_all_pairs_equally():
    # One edge among five genes: each of the ten pairs in a tenth of the draws.
    graph = make([(0, 1, 0)], [0] * 5)
    rng = np.random.default_rng(0)
    seen = Counter(next(iter(undirected(draw_edges(graph, rng)))) for _ in range(2000))
    assert len(seen) == 10
    assert sum((count - 200) ** 2 / 200 for count in seen.values()) < 27.9  # 0.999 quantile, 9 degrees


def test_almost_all_edges_of_a_large_sparse_graph_move():
    rng = np.random.default_rng(0)
    node_type = np.repeat([0, 1], [300, 100])
    pairs = {
        (int(g), 300 + int(d), 1)
        for g, d in zip(rng.integers(0, 300, 900), rng.integers(0, 100, 900), strict=True)
    }
    graph = make([(d, g, r) for g, d, r in pairs], node_type)
    swapped = swap_edges(graph, 10, np.random.default_rng(1))
    assert degrees(swapped) == degrees(graph)
    assert moved_share(graph, swapped)["drug_gene"] > 0.9
