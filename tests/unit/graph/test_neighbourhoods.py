"""The part of a graph that a result depends on: exact, nested, and sampled only on request."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.graph.arrays import Graph
from perturbkg.graph.neighbourhoods import neighbourhood


def graph(edges: list[tuple[int, int, int]], nodes: int) -> Graph:
    """Make a graph of one type from (head, tail, relation of 2)."""
    head, tail, relation = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Graph.from_edges(
        head, tail, relation, node_type=np.zeros(nodes, int), types=["gene"], relations=["r", "s"]
    )


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, np.ndarray, int]:
    """Draw a graph (with self-loops and multi-edges), distinct requested nodes, and a number of layers."""
    nodes = draw(st.integers(1, 9))
    ends = st.integers(0, nodes - 1)
    edges = draw(st.lists(st.tuples(ends, ends, st.integers(0, 1)), max_size=25))
    wanted = draw(st.lists(ends, min_size=1, unique=True))
    return graph(edges, nodes), np.array(wanted), draw(st.integers(1, 3))


def test_a_path_by_hand():
    """0 - 1 - 2 - 3 - 4 read at node 3: one layer needs 2 and 4, two layers also 1, and 0 is never needed."""
    found = neighbourhood(graph([(0, 1, 0), (1, 2, 0), (2, 3, 1), (3, 4, 0)], 5), np.array([3]), 2)
    assert found.nodes.tolist() == [3, 2, 4, 1]
    first, last = found.layers
    assert (last.sources, last.targets, first.sources, first.targets) == (3, 1, 4, 3)
    assert list(zip(last.src.tolist(), last.dst.tolist(), last.relation.tolist(), strict=True)) == [
        (1, 0, 1),  # 2 -> 3
        (2, 0, 2),  # 4 -> 3, the inverse of relation 0
    ]
    assert sorted(zip(found.nodes[first.src], found.nodes[first.dst], strict=True)) == [
        (1, 2),
        (2, 3),
        (3, 2),
        (3, 4),
        (4, 3),
    ]


@given(graphs())
def test_every_message_into_a_target_is_present_once_and_no_other(case):
    whole, wanted, layers = case
    found = neighbourhood(whole, wanted, layers)
    needed = set(wanted.tolist())
    for layer in reversed(found.layers):
        assert set(found.nodes[: layer.targets].tolist()) == needed
        into = np.isin(whole.dst, list(needed))
        wanted_messages = zip(whole.src[into], whole.dst[into], whole.relation[into], strict=True)
        own = zip(found.nodes[layer.src], found.nodes[layer.dst], layer.relation, strict=True)
        assert sorted(own) == sorted(wanted_messages)
        assert (np.diff(layer.dst) >= 0).all()
        needed |= set(whole.src[into].tolist())
        assert set(found.nodes[: layer.sources].tolist()) == needed
    assert found.nodes[: len(wanted)].tolist() == wanted.tolist()
    assert len(set(found.nodes.tolist())) == len(found.nodes)


@given(graphs(), st.integers(1, 4), st.integers(0, 5))
def test_sampling_keeps_existing_messages_and_at_most_the_fanout(case, fanout, seed):
    whole, wanted, layers = case
    exact = neighbourhood(whole, wanted, layers)
    found = neighbourhood(whole, wanted, layers, fanout=fanout, rng=np.random.default_rng(seed))
    messages = set(zip(whole.src.tolist(), whole.dst.tolist(), whole.relation.tolist(), strict=True))
    degree = np.bincount(whole.dst, minlength=whole.nodes)
    for layer in found.layers:
        src, dst = found.nodes[layer.src], found.nodes[layer.dst]
        assert set(zip(src.tolist(), dst.tolist(), layer.relation.tolist(), strict=True)) <= messages
        kept = np.bincount(layer.dst, minlength=layer.targets)
        own = degree[found.nodes[: layer.targets]]
        assert (kept <= np.minimum(own, fanout)).all()
        assert (kept[own <= fanout] == own[own <= fanout]).all()  # targets within the fanout lose nothing
        assert (kept[own > 0] > 0).all()
        assert (np.diff(layer.dst) >= 0).all()
    assert set(found.nodes.tolist()) <= set(exact.nodes.tolist())


def test_sampling_depends_only_on_its_generator():
    star = graph([(0, far, 0) for far in range(1, 50)], 50)
    one, same, other = (
        neighbourhood(star, np.array([0]), 1, fanout=5, rng=np.random.default_rng(seed)).nodes
        for seed in (1, 1, 2)
    )
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_new_nodes_are_ordered_by_group():
    star = graph([(0, far, 0) for far in range(1, 5)], 5)
    found = neighbourhood(star, np.array([0]), 1, group=np.array([0, 1, 0, 1, 0]))
    assert found.nodes.tolist() == [0, 2, 4, 1, 3]


def test_a_node_requested_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        neighbourhood(graph([], 2), np.array([1, 1]), 1)


def test_sampling_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="generator"):
        neighbourhood(graph([(0, 1, 0)], 2), np.array([1]), 1, fanout=1)
