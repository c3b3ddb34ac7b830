"""Each ablation on a world of 2 drugs, 2 cell lines and 4 proteins, by hand."""

import numpy as np
import pytest
import scipy.sparse as sp

from perturbkg import plugins
from perturbkg.data import Data
from perturbkg.graph.arrays import Features, Graph

TYPES = ["cell_line", "drug", "gene/protein", "lincs_drug"]
RELATIONS = [
    "drug_protein",
    "protein_protein",
    "lincs_drug_is_drug",
    "lincs_drug_targets_protein",
    "cell_expresses_protein",
    "lincs_drug_similar_to_target",
]
# cell lines 0, 1; KG drug 2; proteins 3-6; L1000 drugs 7, 8
EDGES = [
    (2, 3, 0),
    (3, 4, 1),
    (5, 6, 1),
    (7, 2, 2),
    (7, 3, 3),
    (8, 4, 3),
    (8, 5, 3),
    (0, 3, 4),
    (1, 4, 4),
    (1, 6, 4),
    (7, 5, 5),
]
WEIGHT = [*[1.0] * 10, 0.25]


@pytest.fixture
def data() -> Data:
    """Return the world."""
    head, tail, relation = np.array(EDGES).T
    known = np.array([True, True, False, True])
    return Data(
        graph=Graph.from_edges(
            head,
            tail,
            relation,
            node_type=np.array([0, 0, 1, 2, 2, 2, 2, 3, 3]),
            types=TYPES,
            relations=RELATIONS,
            weight=np.array(WEIGHT),
        ),
        features={
            "cell_line": Features(np.array([[1, 2], [3, 6]], dtype=np.float32), np.ones(2, dtype=bool)),
            "gene/protein": Features(np.array([[1], [2], [0], [4]], dtype=np.float32), known),
            "lincs_drug": Features(
                np.array([[0, 1, 1], [1, 0, 1]], dtype=np.float32), np.ones(2, dtype=bool)
            ),
        },
        drugs=["a", "b"],
        cells=["X", "Y"],
        genes=["G", "H"],
        drug_node=np.array([7, 8]),
        cell_node=np.array([0, 1]),
        gene_node=np.array([3, -1]),
        scaffold_group=np.arange(2),
        fingerprints=np.array([[0, 1, 1], [1, 0, 1]], dtype=np.uint8),
        targets=sp.csr_array(np.array([[1, 0, 0], [0, 1, 1]], dtype=np.float32)),
        imputed=sp.csr_array(np.array([[0, 0, 0.25], [0, 0, 0]], dtype=np.float32)),
        baseline=np.array([[1, 2], [3, 6]], dtype=np.float32),
    )


def apply(name, data, seed=0, **options):
    """Apply an ablation by name."""
    return plugins.create("ablations", name, options).apply(data, np.random.default_rng(seed))


def edges(data):
    """Return the edges as a set of triples."""
    return {tuple(int(x) for x in edge) for edge in zip(*data.graph.edges(), strict=True)}


def removed(**counts):
    """Return the notes that count removed edges."""
    return {"edges_removed": {"all": sum(counts.values())} | dict.fromkeys(RELATIONS, 0) | counts}


def test_none(data):
    ablated = apply("none", data)
    assert ablated.data is data
    assert ablated.notes == {}


def test_no_graph(data):
    ablated = apply("no_graph", data)
    assert edges(ablated.data) == set()
    assert ablated.data.graph.nodes == 9
    assert ablated.notes == removed(
        drug_protein=1,
        protein_protein=2,
        lincs_drug_is_drug=1,
        lincs_drug_targets_protein=3,
        cell_expresses_protein=3,
        lincs_drug_similar_to_target=1,
    )
    assert ablated.data.targets is data.targets
    assert ablated.data.imputed is data.imputed
    assert ablated.data.features is data.features


def test_no_targets(data):
    ablated = apply("no_targets", data)
    assert edges(ablated.data) == {edge for edge in EDGES if edge[2] not in (0, 3, 5)}
    assert ablated.notes == removed(
        drug_protein=1, lincs_drug_targets_protein=3, lincs_drug_similar_to_target=1
    )
    assert ablated.data.imputed is None
    assert ablated.data.targets.shape == (2, 3)
    assert ablated.data.targets.nnz == 0
    assert ablated.data.features is data.features


def test_no_drug(data):
    ablated = apply("no_drug", data)
    assert edges(ablated.data) == {edge for edge in EDGES if edge[0] not in (7, 8)}
    assert ablated.notes == removed(
        lincs_drug_is_drug=1, lincs_drug_targets_protein=3, lincs_drug_similar_to_target=1
    )
    assert ablated.data.imputed is None
    assert not ablated.data.drug_features.any()
    assert not ablated.data.features["lincs_drug"].encoded.any()
    assert (ablated.data.fingerprints == 1).all()
    assert ablated.data.targets.nnz == 0
    assert ablated.data.features["cell_line"] is data.features["cell_line"]


def test_no_cell(data):
    ablated = apply("no_cell", data)
    assert edges(ablated.data) == {edge for edge in EDGES if edge[0] not in (0, 1)}
    assert ablated.notes == removed(cell_expresses_protein=3)
    assert not ablated.data.cell_features.any()
    assert ablated.data.baseline.tolist() == [[2, 4], [2, 4]]
    assert ablated.data.features["lincs_drug"] is data.features["lincs_drug"]


def test_shuffle_edges(data):
    # Proteins 3-4, 5-6 have two other matchings; drugs 7: 3, 8: 4, 5 and cells 0: 3, 1: 4, 6 two each.
    seen = {frozenset(edges(apply("shuffle_edges", data, s, swaps_per_edge=3).data)) for s in range(300)}
    assert len(seen) == 3 * 3 * 3
    ablated = apply("shuffle_edges", data, 1)
    share = ablated.notes["moved_share"]
    assert share["all"] == pytest.approx(len(set(EDGES) - edges(ablated.data)) / len(EDGES))
    assert share["drug_protein"] == share["lincs_drug_is_drug"] == 0  # a single edge cannot be swapped
    assert ablated.data.targets is data.targets
    assert ablated.data.features is data.features


def test_shuffle_edges_without_swaps(data):
    ablated = apply("shuffle_edges", data, swaps_per_edge=0)
    assert edges(ablated.data) == set(EDGES)
    assert ablated.notes["moved_share"]["all"] == 0


def test_rewire_edges(data):
    ablated = apply("rewire_edges", data, 3)
    assert np.bincount(ablated.data.graph.edges()[2]).tolist() == [1, 2, 1, 3, 3, 1]
    # The one weighted edge still weighs as much, wherever it leads.
    assert sorted(ablated.data.graph.edge_weights()) == sorted(WEIGHT)
    share = len(set(EDGES) - edges(ablated.data)) / len(EDGES)
    assert ablated.notes["moved_share"]["all"] == pytest.approx(share)
    assert ablated.data.targets is data.targets


def test_random_features(data):
    ablated = apply("random_features", data)
    for node_type, old in data.features.items():
        new = ablated.data.features[node_type]
        assert new.matrix.shape == old.matrix.shape
        assert np.array_equal(new.encoded, old.encoded)
        assert (new.matrix[new.encoded] != old.matrix[old.encoded]).all()
        assert not new.matrix[~new.encoded].any()
    assert ablated.notes == {"nodes_replaced": {"cell_line": 2, "gene/protein": 3, "lincs_drug": 2}}
    for key in ("graph", "targets", "fingerprints", "baseline"):
        assert getattr(ablated.data, key) is getattr(data, key)


def test_random_features_are_standard_normal(data):
    wide = Features(np.ones((50, 400), dtype=np.float32), np.ones(50, dtype=bool))
    data.features["gene/protein"] = wide
    noise = apply("random_features", data).data.features["gene/protein"].matrix
    assert abs(noise.mean()) < 0.03  # standard error 0.007
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_shuffle_features(data):
    ablated = apply("shuffle_features", data, 1)
    matrix = ablated.data.features["gene/protein"].matrix[:, 0]
    assert sorted(matrix) == [0, 1, 2, 4]
    assert matrix[2] == 0  # a node without an input keeps its zeros
    moved = np.mean(matrix[[0, 1, 3]] != np.array([1, 2, 4]))
    assert ablated.notes["moved_share"]["gene/protein"] == pytest.approx(moved)
    assert {tuple(apply("shuffle_features", data, s).data.cell_features[:, 0]) for s in range(20)} == {
        (1, 3),
        (3, 1),
    }
