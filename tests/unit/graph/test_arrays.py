"""The arrays of the merged graph: nothing lost, sorted, and equal bytes for equal graphs."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph

NODES, RELATIONS = 7, ["a", "b", "c"]
EDGES = st.lists(
    st.tuples(
        st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(0, len(RELATIONS) - 1)
    ).filter(lambda edge: edge[0] != edge[1]),
    max_size=40,
)


def build(edges: list[tuple[int, int, int]]) -> Graph:
    """Make a graph of `NODES` nodes of two types."""
    columns = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Graph.from_edges(
        *columns, node_type=np.arange(NODES) % 2, types=["even", "odd"], relations=RELATIONS
    )


@given(EDGES)
def test_edges_are_recovered_from_any_order(edges: list[tuple[int, int, int]]) -> None:
    graph = build(edges)
    assert sorted(zip(*(column.tolist() for column in graph.edges()), strict=True)) == sorted(edges)
    again = graph.with_edges(*graph.edges())
    assert np.array_equal(again.src, graph.src)
    assert np.array_equal(again.dst, graph.dst)
    assert np.array_equal(again.relation, graph.relation)


@given(EDGES, st.data())
def test_each_edge_keeps_its_weight_in_both_directions(
    edges: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    number = st.floats(0.125, 1, width=32)
    weight = np.array(data.draw(st.lists(number, min_size=len(edges), max_size=len(edges))))
    graph = build(edges)
    weighted = graph.with_edges(*np.array(edges, dtype=np.int64).reshape(-1, 3).T, weight)
    assert np.array_equal(weighted.src, graph.src)
    given_weights = sorted((*edge, value) for edge, value in zip(edges, weight.tolist(), strict=True))
    found = zip(
        *(column.tolist() for column in weighted.edges()), weighted.edge_weights().tolist(), strict=True
    )
    assert sorted(found) == given_weights
    if weighted.weight is not None:
        forward = weighted.relation < len(RELATIONS)
        back = zip(
            weighted.dst[~forward], weighted.src[~forward], weighted.relation[~forward] - 3, strict=True
        )
        assert (
            sorted(
                (*map(int, edge), value)
                for edge, value in zip(back, weighted.weight[~forward].tolist(), strict=True)
            )
            == given_weights
        )


def test_a_graph_without_its_weighted_relations() -> None:
    weighted = build([(0, 1, 0), (0, 3, 1), (2, 3, 1), (4, 5, 2)])
    weighted = weighted.with_edges(*weighted.edges(), np.array([1, 0.5, 1, 1]))
    rest = weighted.unweighted
    assert rest.weight is None
    assert sorted(zip(*(column.tolist() for column in rest.edges()), strict=True)) == [(0, 1, 0), (4, 5, 2)]
    assert np.array_equal(rest.src, build([(0, 1, 0), (4, 5, 2)]).src)
    assert rest.relations == RELATIONS
    assert rest.unweighted is rest


@given(EDGES, st.randoms())
def test_messages_are_sorted_and_do_not_depend_on_the_order_of_edges(edges: list, random: object) -> None:
    graph = build(edges)
    messages = list(zip(graph.dst.tolist(), graph.relation.tolist(), graph.src.tolist(), strict=True))
    assert messages == sorted(messages)
    assert len(messages) == 2 * len(edges)
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = build(shuffled)
    assert np.array_equal(other.src, graph.src)
    assert np.array_equal(other.relation, graph.relation)


@given(EDGES)
def test_each_message_has_its_inverse(edges: list[tuple[int, int, int]]) -> None:
    graph = build(edges)
    forward = graph.relation < len(RELATIONS)
    there = sorted(zip(graph.src[forward], graph.dst[forward], graph.relation[forward], strict=True))
    back = sorted(
        zip(graph.dst[~forward], graph.src[~forward], graph.relation[~forward] - len(RELATIONS), strict=True)
    )
    assert there == back


def test_messages_are_ordered_by_destination_relation_source_by_hand() -> None:
    graph = build([(0, 1, 1), (2, 1, 0)])
    # Relations 0-2 forward, 3-5 inverse. Into 0: 1 by 4. Into 1: 2 by 0, then 0 by 1. Into 2: 1 by 3.
    assert graph.dst.tolist() == [0, 1, 1, 2]
    assert graph.relation.tolist() == [4, 0, 1, 3]
    assert graph.src.tolist() == [1, 2, 0, 1]


def test_equal_graphs_are_equal_bytes_at_any_time(tmp_path) -> None:
    build([(0, 1, 1), (2, 1, 0)]).save(tmp_path / "one.npz")
    build([(2, 1, 0), (0, 1, 1)]).save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.npz") as file:
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_load_returns_what_was_saved(tmp_path) -> None:
    plain = build([(0, 1, 1), (2, 1, 0), (5, 6, 2)])
    plain.save(tmp_path / "graph.npz")
    assert Graph.load(tmp_path / "graph.npz").weight is None
    graph = plain.with_edges(*plain.edges(), np.array([1, 0.5, 0.25]))
    graph.save(tmp_path / "graph.npz")
    loaded = Graph.load(tmp_path / "graph.npz")
    for name in ("src", "dst", "relation", "node_type", "weight"):
        one, two = getattr(graph, name), getattr(loaded, name)
        assert one.dtype == two.dtype
        assert np.array_equal(one, two)
    assert (loaded.types, loaded.relations, loaded.nodes) == (["even", "odd"], RELATIONS, NODES)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "other"])
def test_an_invalid_graph_file_is_one_line(tmp_path, damage: str) -> None:
    path = tmp_path / "graph.npz"
    build([(0, 1, 1)]).save(path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other":
        np.savez(path, src=np.zeros(1))
    else:
        path.write_text("a,b\n" if damage == "text" else "")
    with pytest.raises(
        InputError, match=r"graph\.npz: not a merged graph .* run merge_graph again"
    ) as caught:
        Graph.load(path)
    assert "\n" not in str(caught.value)
