"""Diffusion: a path worked by hand, and the properties that every walk has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.graph import diffusion
from perturbkg.graph.arrays import Graph
from perturbkg.graph.diffusion import Walk, adjacency, normalise, random_walk_with_restart
from perturbkg.training.inputs import principal_axes


def build(edges: list[tuple[int, int, int]], nodes: int) -> Graph:
    """Make a graph of one node type and two relations."""
    columns = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Graph.from_edges(*columns, node_type=np.zeros(nodes), types=["node"], relations=["strong", "weak"])


def walks(graph: Graph, seeds: np.ndarray, **options) -> np.ndarray:
    """Return the shares of all walks (seeds, nodes)."""
    blocks = [shares for _, shares in random_walk_with_restart(graph, seeds, **options)]
    return np.concatenate(blocks) if blocks else np.zeros((0, graph.nodes), np.float32)


PATH = build([(0, 1, 0), (2, 1, 0), (2, 3, 1)], 4)  # 0 - 1 - 2 - 3


def test_adjacency_of_a_path() -> None:
    expected = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    assert adjacency(PATH).toarray().tolist() == expected


def test_weights_of_parallel_edges_are_added() -> None:
    graph = build([(0, 1, 0), (0, 1, 1), (1, 2, 1)], 3)
    assert adjacency(graph).toarray().tolist() == [[0, 2, 0], [2, 0, 1], [0, 1, 0]]


def test_adjacency_holds_the_weights_of_edges_and_leaves_the_graph_alone() -> None:
    graph = build([(0, 1, 0), (0, 1, 1), (1, 2, 1)], 3)
    weighted = graph.with_edges(*graph.edges(), np.array([1, 0.5, 0.25]))
    before = weighted.weight.copy()
    expected = [[0, 1.5, 0], [1.5, 0, 0.25], [0, 0.25, 0]]
    assert adjacency(weighted).toarray().tolist() == expected
    assert np.array_equal(weighted.weight, before)


def test_normalised_path_by_hand() -> None:
    # Degrees 1, 2, 2, 1: an end and its neighbour share 1 / sqrt(2), the middle pair 1 / 2.
    end = 1 / np.sqrt(2)
    expected = [[0, end, 0, 0], [end, 0, 0.5, 0], [0, 0.5, 0, end], [0, 0, end, 0]]
    assert np.allclose(normalise(adjacency(PATH)).toarray(), expected, atol=1e-7)


def test_two_steps_on_a_path_by_hand() -> None:
    # Restart 0.2 from node 0. Step 1: 0.8 * (0, r, 0, 0) + 0.2 e = (0.2, 0.8 r, 0, 0) with r = 1 / sqrt(2).
    # Step 2: 0.8 * (0.8 r * r, 0.2 r, 0.8 r / 2, 0) + 0.2 e = (0.52, 0.16 r, 0.32 r, 0).
    r = 1 / np.sqrt(2)
    one = walks(PATH, np.array([0]), restart=0.2, steps=1)
    two = walks(PATH, np.array([0]), restart=0.2, steps=2)
    assert one.dtype == np.float32
    assert np.allclose(one, [[0.2, 0.8 * r, 0, 0]], atol=1e-6)
    assert np.allclose(two, [[0.52, 0.16 * r, 0.32 * r, 0]], atol=1e-6)


def test_many_steps_converge_to_the_closed_form() -> None:
    spread = normalise(adjacency(PATH)).toarray().astype(float)
    limit = 0.3 * np.linalg.inv(np.eye(4) - 0.7 * spread)
    assert np.allclose(walks(PATH, np.arange(4), steps=80), limit, atol=1e-6)


def test_a_node_without_edges_keeps_only_its_restart() -> None:
    walk = walks(build([(0, 1, 0)], 3), np.array([2]), restart=0.4, steps=3)
    assert np.allclose(walk, [[0, 0, 0.4]])
    assert not walks(build([], 2), np.array([0]), restart=0).any()


@pytest.mark.parametrize("seed", [-1, 4])
def test_a_seed_outside_the_graph_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="nodes are 0 to 3"):
        walks(PATH, np.array([0, seed]))


@given(st.data())
def test_a_row_does_not_depend_on_the_block_or_the_other_seeds(data: st.DataObject) -> None:
    pairs = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 1)).filter(lambda e: e[0] != e[1])
    graph = build(data.draw(st.lists(pairs, min_size=1, max_size=25)), 9)
    seeds = np.array(data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=12)))
    whole = walks(graph, seeds)
    assert np.array_equal(whole, walks(graph, seeds, block=3))
    alone = [walks(graph, seeds[i : i + 1])[0] for i in range(len(seeds))]
    assert np.array_equal(whole, np.array(alone))
    everywhere = walks(graph, np.arange(9))
    assert np.allclose(everywhere, everywhere.T, atol=1e-6)  # walks are symmetric


def test_sparse_first_steps_and_threaded_later_steps_agree_with_the_definition() -> None:
    """A graph large enough for several threads, against the definition in double precision."""
    rng = np.random.default_rng(0)
    graph = build(np.column_stack([*rng.integers(0, 400, (2, 6000)), rng.integers(0, 2, 6000)]).tolist(), 400)
    spread = normalise(adjacency(graph)).toarray().astype(float)
    for steps in range(5):
        wanted = np.eye(400)
        for _ in range(steps):
            wanted = 0.7 * spread @ wanted + 0.3 * np.eye(400)
        assert np.allclose(walks(graph, np.arange(400), steps=steps), wanted.T, atol=1e-6)


@pytest.fixture
def world() -> tuple[Graph, np.ndarray]:
    """Return 30 nodes, and 12 drugs of which the last three have no edge."""
    rng = np.random.default_rng(1)
    drugs = np.arange(9).repeat(3)
    edges = [*zip(drugs, rng.integers(12, 30, 27), rng.integers(0, 2, 27), strict=True)]
    edges += [*zip(*rng.integers(12, 30, (2, 60)), rng.integers(0, 2, 60), strict=True)]
    return build(edges, 30), np.arange(12)


OPTIONS = {"restart": 0.3, "steps": 4, "factor": 1e3, "own_node": False}


def dense(graph: Graph, seeds: np.ndarray) -> np.ndarray:
    """Return the log-scaled walk as one matrix, in double precision, zero for a drug without an edge."""
    share = walks(graph, seeds, steps=4).astype(float)
    share[np.arange(len(seeds)), seeds] = 0
    return np.log1p(1e3 * share)


def test_a_walk_returns_its_rows(world: tuple[Graph, np.ndarray]) -> None:
    walk = Walk.of(*world, **OPTIONS)
    assert walk.row.tolist() == [*range(9), -1, -1, -1]
    drugs = np.array([8, 10, 0])
    assert np.allclose(walk.rows(drugs), dense(*world)[drugs], atol=1e-5)


def test_a_drugs_own_node_is_left_out_or_kept(world: tuple[Graph, np.ndarray]) -> None:
    own = np.arange(9)
    assert np.allclose(Walk.of(*world, **OPTIONS).rows(own)[own, own], 0, atol=1e-5)
    kept = Walk.of(*world, **{**OPTIONS, "own_node": True}).rows(own)
    assert (kept[own, own] > np.log1p(300)).all()


@pytest.mark.parametrize("drugs", [np.arange(12), np.arange(9), np.array([1, 3, 4, 11]), np.array([9, 10])])
def test_components_are_those_of_the_whole_matrix(world: tuple[Graph, np.ndarray], drugs: np.ndarray) -> None:
    walk, whole = Walk.of(*world, **OPTIONS), dense(*world)
    wanted_mean, wanted = principal_axes(whole[drugs].astype(np.float32), 3)
    mean, axes = walk.principal_axes(drugs, 3)
    assert np.allclose(mean, wanted_mean, atol=1e-4)
    assert axes.shape == wanted.shape
    assert np.allclose(axes, wanted, atol=1e-3 * max(np.abs(wanted).max(initial=0), 1))
    assert np.allclose(walk.scores(mean, axes), (whole - mean) @ axes, atol=1e-3)


def test_cosines_are_those_of_centred_rows_and_zero_without_a_walk(world: tuple[Graph, np.ndarray]) -> None:
    walk, whole = Walk.of(*world, **OPTIONS), dense(*world)[:9]
    centred = whole - whole.mean(axis=0)
    length = np.linalg.norm(centred, axis=1)
    wanted = np.zeros((12, 12))
    wanted[:9, :9] = centred @ centred.T / length[:, None] / length
    assert np.allclose(walk.cosine(np.arange(12)), wanted, atol=1e-5)
    assert np.array_equal(walk.cosine(np.array([5, 10])), walk.cosine(np.arange(12))[[5, 10]])


def test_a_walk_that_is_the_mean_has_a_cosine_of_zero_not_nan() -> None:
    walk = Walk.of(build([(0, 2, 0), (2, 3, 0)], 4), np.array([0, 1]), **OPTIONS)
    assert not walk.cosine(np.arange(2)).any()


def test_without_an_edge_there_is_no_walk() -> None:
    walk = Walk.of(build([], 5), np.arange(3), **OPTIONS)
    assert not walk.cosine(np.arange(3)).any()
    assert not walk.rows(np.arange(3)).any()
    mean, axes = walk.principal_axes(np.arange(3), 4)
    assert (mean.shape, axes.shape) == ((5,), (5, 0))
    assert walk.scores(mean, axes).shape == (3, 0)


def test_a_walk_too_large_for_memory_is_refused_before_it_starts(
    world: tuple[Graph, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusion, "available_bytes", lambda: 10)
    monkeypatch.setattr(diffusion, "random_walk_with_restart", None)
    with pytest.raises(
        InputError, match=r"walking from 9 drugs over 30 nodes needs about .* keep fewer drugs"
    ):
        Walk.of(*world, **OPTIONS)
