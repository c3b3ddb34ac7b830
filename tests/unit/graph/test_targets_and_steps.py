"""Targets and walks by type, worked by hand on a small graph."""

import numpy as np

from perturbkg.graph.arrays import Graph
from perturbkg.graph.steps import shares_by_type
from perturbkg.graph.targets import own_targets

RELATIONS = [
    "drug_protein",
    "lincs_drug_is_drug",
    "lincs_drug_targets_protein",
    "lincs_drug_similar_to_target",
]
# 0: a drug of the knowledge graph; 1, 2, 3: genes; 4, 5: L1000 drugs, of which the first is drug 0.
TYPES = ["drug", "gene/protein", "lincs_drug"]
KIND = np.array([0, 1, 1, 1, 2, 2])


def graph(edges: list[tuple[int, int, str]], weight: list[float] | None = None) -> Graph:
    head, tail, names = zip(*edges, strict=True)
    codes = np.array([RELATIONS.index(name) for name in names])
    return Graph.from_edges(
        np.array(head),
        np.array(tail),
        codes,
        node_type=KIND,
        types=TYPES,
        relations=RELATIONS,
        weight=None if weight is None else np.array(weight),
    )


EDGES = [
    (0, 1, "drug_protein"),
    (0, 2, "drug_protein"),
    (4, 0, "lincs_drug_is_drug"),
    (4, 2, "lincs_drug_targets_protein"),
    (5, 3, "lincs_drug_targets_protein"),
]


def test_targets_are_the_ends_of_a_drugs_own_edges() -> None:
    known, imputed = own_targets(graph(EDGES), np.array([4, 5]))
    assert known.toarray().tolist() == [[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert imputed.nnz == 0


def test_imputed_targets_have_the_weights_of_their_edges() -> None:
    more = [*EDGES, (4, 1, "lincs_drug_similar_to_target"), (2, 5, "lincs_drug_similar_to_target")]
    known, imputed = own_targets(graph(more, [1, 1, 1, 1, 1, 0.25, 0.5]), np.array([4, 5]))
    assert known.toarray().tolist() == [[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert imputed.toarray().tolist() == [[0, 0.25, 0, 0, 0, 0], [0, 0, 0.5, 0, 0, 0]]


def test_a_graph_without_these_relations_has_no_targets() -> None:
    whole = graph(EDGES)
    empty = whole.with_edges(*(np.zeros(0, np.int64),) * 3)
    assert [found.nnz for found in own_targets(empty, np.array([4, 5]))] == [0, 0]


def test_walks_are_read_by_type_and_step() -> None:
    found = shares_by_type(graph(EDGES), np.array([4, 5]), steps=2, largest=3, without=("lincs_drug",))
    # Degrees: drug 0 has 3 edges, gene 2 and L1000 drug 4 have 2, the others 1.
    assert set(found) == {("drug", 1), ("drug", 2), ("gene/protein", 1), ("gene/protein", 2)}
    np.testing.assert_allclose(found["gene/protein", 1], [[0, 1 / 2, 0], [0, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(found["drug", 1], [[1 / 6**0.5], [0]], rtol=1e-6)
    through_drug = [1 / 6**0.5 / 3**0.5, 1 / 6**0.5 / 6**0.5, 0]
    np.testing.assert_allclose(found["gene/protein", 2], [through_drug, [0, 0, 0]], rtol=1e-6)


def test_a_large_type_is_left_out() -> None:
    found = shares_by_type(graph(EDGES), np.array([4, 5]), steps=1, largest=2, without=("lincs_drug",))
    assert set(found) == {("drug", 1)}
