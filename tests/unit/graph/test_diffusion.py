"""Diffusion: a path worked by hand, and the properties that every walk has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg.graph.arrays import Graph
from perturbkg.graph.diffusion import adjacency, compress, log_scale, normalise, random_walk_with_restart


def build(edges: list[tuple[int, int, int]], nodes: int) -> Graph:
    """Make a graph of one node type and two relations."""
    columns = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Graph.from_edges(*columns, node_type=np.zeros(nodes), types=["node"], relations=["strong", "weak"])


PATH = build([(0, 1, 0), (2, 1, 0), (2, 3, 1)], 4)  # 0 - 1 - 2 - 3


def test_adjacency_of_a_path() -> None:
    expected = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    assert adjacency(PATH).toarray().tolist() == expected


def test_parallel_edges_add_up_or_count_once() -> None:
    graph = build([(0, 1, 0), (0, 1, 1), (1, 2, 1)], 3)
    assert adjacency(graph).toarray().tolist() == [[0, 2, 0], [2, 0, 1], [0, 1, 0]]
    assert adjacency(graph, binary=True).toarray().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    weighted = adjacency(graph, relation_weights={"strong": 3, "weak": 0.5}).toarray()
    assert weighted.tolist() == [[0, 3.5, 0], [3.5, 0, 0.5], [0, 0.5, 0]]
    without = adjacency(graph, relation_weights={"weak": 0}, binary=True)
    assert without.toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_a_weight_must_name_a_relation_and_not_be_negative() -> None:
    with pytest.raises(ValueError, match="other"):
        adjacency(PATH, relation_weights={"other": 1})
    with pytest.raises(ValueError, match="'weak': a walk needs a weight of at least 0, not -1"):
        adjacency(PATH, relation_weights={"weak": -1})


def test_normalised_path_by_hand() -> None:
    # Degrees 1, 2, 2, 1: an end and its neighbour share 1 / sqrt(2), the middle pair 1 / 2.
    end = 1 / np.sqrt(2)
    expected = [[0, end, 0, 0], [end, 0, 0.5, 0], [0, 0.5, 0, end], [0, 0, end, 0]]
    assert np.allclose(normalise(adjacency(PATH)).toarray(), expected, atol=1e-7)


def test_two_steps_on_a_path_by_hand() -> None:
    # Restart 0.2 from node 0. Step 1: 0.8 * (0, r, 0, 0) + 0.2 e = (0.2, 0.8 r, 0, 0) with r = 1 / sqrt(2).
    # Step 2: 0.8 * (0.8 r * r, 0.2 r, 0.8 r / 2, 0) + 0.2 e = (0.52, 0.16 r, 0.32 r, 0).
    r = 1 / np.sqrt(2)
    one = random_walk_with_restart(PATH, np.array([0]), restart=0.2, steps=1)
    two = random_walk_with_restart(PATH, np.array([0]), restart=0.2, steps=2)
    assert one.dtype == np.float32
    assert np.allclose(one, [[0.2, 0.8 * r, 0, 0]], atol=1e-6)
    assert np.allclose(two, [[0.52, 0.16 * r, 0.32 * r, 0]], atol=1e-6)


def test_many_steps_reach_the_closed_form() -> None:
    spread = normalise(adjacency(PATH)).toarray().astype(float)
    limit = 0.3 * np.linalg.inv(np.eye(4) - 0.7 * spread)
    assert np.allclose(random_walk_with_restart(PATH, np.arange(4), steps=80), limit, atol=1e-6)


def test_columns_are_those_asked_for() -> None:
    whole = random_walk_with_restart(PATH, np.array([3, 0]))
    part = random_walk_with_restart(PATH, np.array([3, 0]), columns=np.array([2, 1]))
    assert np.array_equal(part, whole[:, [2, 1]])


def test_a_node_without_edges_keeps_only_its_restart() -> None:
    walk = random_walk_with_restart(build([(0, 1, 0)], 3), np.array([2]), restart=0.4, steps=3)
    assert np.allclose(walk, [[0, 0, 0.4]])
    assert not random_walk_with_restart(build([], 2), np.array([0]), restart=0).any()


@pytest.mark.parametrize("seed", [-1, 4])
def test_a_seed_outside_the_graph_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="nodes are 0 to 3"):
        random_walk_with_restart(PATH, np.array([0, seed]))


@settings(deadline=None)  # a busy machine is not a defect
@given(st.data())
def test_a_row_depends_neither_on_the_block_nor_on_the_other_seeds(data: st.DataObject) -> None:
    pairs = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 1)).filter(lambda e: e[0] != e[1])
    graph = build(data.draw(st.lists(pairs, min_size=1, max_size=25)), 9)
    seeds = np.array(data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=12)))
    whole = random_walk_with_restart(graph, seeds)
    assert np.array_equal(whole, random_walk_with_restart(graph, seeds, block=3))
    alone = [random_walk_with_restart(graph, seeds[i : i + 1])[0] for i in range(len(seeds))]
    assert np.array_equal(whole, np.array(alone))
    everywhere = random_walk_with_restart(graph, np.arange(9))
    assert np.allclose(everywhere, everywhere.T, atol=1e-6)  # a walk there is a walk back


def test_log_scale() -> None:
    scaled = log_scale(np.array([[0, 1e-3, 1]], dtype=np.float32))
    assert scaled.dtype == np.float32
    assert np.allclose(scaled, [[0, np.log(2), np.log(1001)]])


def test_compress_keeps_distances_and_repeats() -> None:
    X = np.random.default_rng(3).normal(size=(12, 5)) @ np.random.default_rng(4).normal(size=(5, 40))
    one, two = (compress(X.astype(np.float32), 5, np.random.default_rng(0)) for _ in range(2))
    assert one.shape == (12, 5)
    assert one.dtype == np.float32
    assert np.array_equal(one, two)
    assert np.allclose(one @ one.T, X @ X.T, rtol=1e-3, atol=1e-3)
    other = compress(X.astype(np.float32), 5, np.random.default_rng(1))
    assert np.allclose(
        one, other, atol=1e-3
    )  # signs are fixed: another generator state changes rounding only


def test_compress_fills_up_a_small_matrix_with_zeros() -> None:
    scores = compress(np.diag([3.0, 2.0]).astype(np.float32), 4, np.random.default_rng(0))
    assert np.allclose(np.abs(scores), [[3, 0, 0, 0], [0, 2, 0, 0]], atol=1e-6)
    assert compress(np.zeros((3, 0), dtype=np.float32), 2, np.random.default_rng(0)).tolist() == [[0, 0]] * 3
