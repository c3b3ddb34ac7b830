"""The GAT's parts by hand: blocks, neighbours, responses, edges that must not exist, and a planted world."""

import dataclasses
import importlib.util

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from perturbkg.ablations.no_graph import NoGraph
from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features, Graph
from perturbkg.models import _neighbours
from perturbkg.models._gat_network import OverBlocks
from perturbkg.models._neighbours import nearest
from perturbkg.models.gat import GAT, nearest_of
from perturbkg.training.responses import responses


def test_nearest_returns_the_most_similar_above_zero():
    similarity = np.array(
        [[0.0, 0.5, 0.1, 0.7], [0.0, 0.0, 0.0, 0.2], [0.0, 0.0, -0.3, 0.0]], dtype=np.float32
    )
    src, dst, near = nearest(lambda rows: similarity[rows], 3, 2)
    assert (src.tolist(), dst.tolist()) == ([1, 3, 3], [0, 0, 1])
    assert near.tolist() == pytest.approx([0.5, 0.7, 0.2])


def test_nearest_does_not_depend_on_the_block(monkeypatch):
    similarity = np.random.default_rng(0).random((40, 30)).round(1).astype(np.float32)  # with ties
    whole = nearest(lambda rows: similarity[rows], 40, 5)
    monkeypatch.setattr(_neighbours, "ROWS", 7)
    for one, other in zip(nearest(lambda rows: similarity[rows], 40, 5), whole, strict=True):
        assert np.array_equal(one, other)


def test_responses_by_hand():
    """Drug 0 has a weak and a strong signature of one shape in cell 0, drug 1 the opposite in cell 1."""
    shape = np.array([1.0, -1.0, 0.0], np.float32)
    delta = np.stack([shape, 9 * shape, -2 * shape])
    train = Signatures(np.array([0, 0, 1]), np.array([0, 0, 1]), delta)
    found, in_cell, pairs = responses(train, np.zeros((2, 3), np.float32), drugs=3, cells=2, width=1)
    assert found.shape == (3, 1)
    assert found[0] == pytest.approx(-found[1])
    assert abs(found[0, 0]) == pytest.approx(1)  # scaled by the training drugs' own spread
    assert found[2] == 0
    assert pairs.tolist() == [[0, 0], [1, 1]]
    assert in_cell[:, 0] == pytest.approx(found[:2, 0])


def test_the_only_signature_of_a_cell_line_has_no_information_on_its_drug():
    """It is its own mean, so its residual is zero."""
    delta = np.array([[1, 0, 0], [0, 1, 0], [5, 6, 7]], np.float32)
    train = Signatures(np.array([0, 1, 1]), np.array([0, 0, 1]), delta)
    centre = np.array([[0.5, 0.5, 0], [5, 6, 7]], np.float32)
    _, in_cell, pairs = responses(train, centre, drugs=2, cells=2, width=1)
    assert pairs.tolist() == [[0, 0], [1, 0]]
    assert in_cell[0] == pytest.approx(-in_cell[1])


def test_with_one_signature_per_cell_line_no_pair_has_information(data):
    delta = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    train = Signatures(np.array([0, 2]), np.arange(2), delta)
    model = GAT(ensemble=1, epochs=1, width=8)
    model.fit(data, train, train)
    assert not len(model.learned["measured"])
    assert np.isfinite(model.predict(data, Pairs(np.arange(5), np.zeros(5, np.int64)))).all()


@pytest.fixture
def fitted(data):
    """Fit a tiny GAT on drugs 0 to 3."""
    drug, cell = np.repeat(np.arange(4), 2), np.tile(np.arange(2), 4)
    delta = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    train = Signatures(drug, cell, delta)
    model = GAT(ensemble=1, epochs=2, width=8, neighbours=3)
    model.fit(data, train, Signatures(drug[:3], cell[:3], delta[:3]))
    return model


def test_drugs_attend_over_training_drugs_of_other_scaffolds_only(data, fitted):
    inputs = fitted.inputs(data, fitted.learned)
    src, dst = inputs.drug_edges.src.numpy(), inputs.drug_edges.dst.numpy()
    assert len(src)
    assert set(src) <= set(range(4))
    assert (data.scaffold_group[src] != data.scaffold_group[dst]).all()


def test_no_drug_attends_over_its_own_node(data, fitted):
    walk = fitted.walk(data).rows(np.arange(len(data.drugs)))
    assert np.allclose(walk[np.arange(len(data.drugs)), data.drug_node], 0, atol=1e-5)


def test_attention_over_drugs_starts_at_the_similarities(data, fitted):
    """The first head starts at their mean, the others at one each; without edges there is no message."""
    inputs = fitted.inputs(data, fitted.learned)
    network = fitted.network(inputs, 4, torch.Generator().manual_seed(0)).eval()
    values = torch.eye(5)
    with torch.no_grad():
        found = network.over_drugs(network.drug, values)[0].unflatten(1, (-1, 5)).numpy()
    similarity = inputs.similarity.numpy()
    for head, column in enumerate([similarity.mean(axis=1), *similarity.T]):
        wanted = np.zeros((5, 5))
        wanted[inputs.drug_edges.dst, inputs.drug_edges.src] = np.exp(column / fitted.temperature)
        total = wanted.sum(axis=1, keepdims=True)
        assert np.allclose(found[:, head], wanted / np.where(total > 0, total, 1), atol=1e-5)


def test_edges_join_the_nearest_by_any_similarity():
    """Drug 0 is nearest to 1 by one and to 2 by another similarity; 3 is not allowed."""
    one, other = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    one[0] = [1, 0.5, 0.1, 0.9]
    other[0] = [1, 0.0, 0.4, 0.9]
    allowed = ~np.eye(4, dtype=bool)
    allowed[:, 3] = False
    edges, near = nearest_of([one, other], allowed, 1)
    assert (edges.src.tolist(), edges.dst.tolist()) == ([1, 2], [0, 0])
    assert near == pytest.approx(np.array([[0.5, 0], [0.1, 0.4]]))


def test_blocks_by_hand(data):
    """Drugs 0 and 1 hit gene 0 (degree 3 with cell line 0), drugs 2 and 4 gene 1 (degree 2), drug 3 none."""
    steps, block = GAT(block_steps=1, factor=1.0).blocks(data, np.array([0, 2]))["gene/protein"]
    assert steps == [1]
    first, second = np.log1p(3**-0.5), np.log1p(2**-0.5)
    rows = np.array([[first, 0], [first, 0], [0, second], [0, 0], [0, second]])
    rows -= rows[[0, 2]].mean(axis=0)
    wanted = rows / np.sqrt(np.square(rows[[0, 2]]).sum(axis=1).mean())
    assert block[0] == pytest.approx(wanted, abs=1e-5)


def test_a_type_of_many_nodes_is_reduced_without_loss_where_components_suffice(data):
    """Inner products of drugs are those of all nodes: two training drugs span what they span."""
    whole = GAT().blocks(data, np.arange(5))["gene/protein"][1]
    few = GAT(learned_type=1).blocks(data, np.arange(5))["gene/protein"][1]
    assert np.allclose(few @ few.transpose(0, 2, 1), whole @ whole.transpose(0, 2, 1), atol=1e-4)


def test_a_type_of_too_many_nodes_has_no_block(data):
    assert not GAT(largest_type=1).blocks(data, np.arange(5))


def test_equal_attention_is_a_scaled_sum_of_blocks():
    blocks = {"a": torch.ones(2, 3, 2), "b": torch.full((1, 3, 1), 2.0)}
    layer = OverBlocks(blocks, 4, torch.Generator().manual_seed(0))
    wanted = (2 * layer.nodes[0].sum(dim=0) + 2 * layer.nodes[1][0]) / 3**0.5
    assert torch.allclose(layer()[0], wanted.expand(3, 4), atol=1e-6)
    assert OverBlocks({}, 4, torch.Generator())() == []


def planted(seed: int) -> tuple[Data, Signatures, Signatures]:
    """Return 60 drugs whose response is that of their one pathway, which lies behind their target gene.

    Each drug also has edges to 2 of 40 diseases, which say nothing. Odd drugs are the validation part.
    """
    rng = np.random.default_rng(seed)
    drugs, genes, pathways, diseases = 60, 30, 3, 40
    first = np.cumsum([2, genes, pathways, diseases])  # of genes, pathways, diseases, drugs; 2 cell lines
    gene = rng.permuted(np.arange(drugs) % genes)
    head = [
        first[3] + np.arange(drugs),
        first[0] + np.arange(genes),
        first[3] + np.repeat(np.arange(drugs), 2),
    ]
    tail = [
        first[0] + gene,
        first[1] + np.arange(genes) % pathways,
        first[2] + rng.integers(diseases, size=2 * drugs),
    ]
    graph = Graph.from_edges(
        np.concatenate(head),
        np.concatenate(tail),
        np.repeat([0, 1, 2], [len(ends) for ends in head]),
        node_type=np.repeat(range(5), [2, genes, pathways, diseases, drugs]),
        types=["cell_line", "gene/protein", "pathway", "disease", "lincs_drug"],
        relations=["lincs_drug_targets_protein", "pathway_protein", "lincs_drug_of_disease"],
    )
    response = rng.normal(size=(pathways, 50))[gene % genes % pathways]
    baseline = rng.normal(size=(2, 50)).astype(np.float32)
    features = rng.integers(2, size=(drugs, 16)).astype(np.float32)
    fingerprints = np.zeros((drugs, 2048), np.uint8)
    fingerprints[:, :16] = features
    data = Data(
        graph=graph,
        features={
            "lincs_drug": Features(features, np.ones(drugs, bool)),
            "cell_line": Features(baseline, np.ones(2, bool)),
        },
        drugs=[f"D{d}" for d in range(drugs)],
        cells=["A", "B"],
        genes=[f"G{g}" for g in range(50)],
        drug_node=first[3] + np.arange(drugs),
        cell_node=np.arange(2),
        gene_node=np.full(50, -1),
        scaffold_group=np.arange(drugs),
        fingerprints=fingerprints,
        targets=sp.csr_array((drugs, 0), dtype=np.float32),
        baseline=baseline,
    )

    def part(of: np.ndarray) -> Signatures:
        drug, cell = np.repeat(of, 2), np.tile([0, 1], len(of))
        return Signatures(drug, cell, (response[drug] + rng.normal(size=(len(drug), 50))).astype(np.float32))

    return data, part(np.arange(0, drugs, 2)), part(np.arange(1, drugs, 2))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_attention_finds_the_blocks_that_were_planted(seed):
    """The pathways after 2 and 4 steps, or the genes of the same pathway after 3 and 5; not after one."""
    data, train, validation = planted(seed)
    model = GAT(ensemble=1, batch=16, skip=False, learning_rate=0.002)
    found = max(epoch["validation"] for epoch in model.fit(data, train, validation))
    most = max(model.attention, key=model.attention.__getitem__)
    informative = {"pathway@2", "pathway@4", "gene/protein@3", "gene/protein@5"}
    assert most in informative, model.attention
    assert sum(model.attention[name] for name in informative) > 0.5
    assert sum(model.attention.values()) == pytest.approx(1, abs=1e-5)
    assert model.chosen["blocks"].startswith(f"{most} 0.")
    # The same drugs behind other genes: their walks mislead.
    head, tail, relation = data.graph.edges()
    targets = relation == 0
    tail[targets] = np.random.default_rng(seed).permuted(tail[targets])
    wrong = dataclasses.replace(data, graph=data.graph.with_edges(head, tail, relation))
    other = max(
        epoch["validation"]
        for epoch in GAT(ensemble=1, batch=16, skip=False, learning_rate=0.002).fit(wrong, train, validation)
    )
    assert found > other + 0.1


def test_messages_in_a_cell_line_come_from_its_own_signatures(data, fitted):
    """By a loop over edges: softmax of the logits over the neighbours measured in the pair's cell line."""
    inputs = fitted.inputs(data, fitted.learned)
    network = fitted.network(inputs, 4, torch.Generator().manual_seed(0)).eval()
    values = torch.zeros(5, 2, inputs.response_in_cell.shape[1])
    for d, c in zip(*np.nonzero(inputs.in_cell.numpy() >= 0), strict=True):
        values[d, c] = inputs.response_in_cell[inputs.in_cell[d, c]]
    values[1, 0] = 0  # drug 1 was not measured in cell line 0
    network.in_cell.place = inputs.in_cell.clone()
    network.in_cell.place[1, 0] = -1
    edges = inputs.drug_edges
    logits = torch.randn(len(edges), 4, generator=torch.Generator().manual_seed(1))
    drug, cell = torch.tensor([0, 4, 4]), torch.tensor([0, 0, 1])
    found = network.in_cell(logits, drug, cell).unflatten(1, (4, -1))
    for row, (d, c) in enumerate(zip(drug.tolist(), cell.tolist(), strict=True)):
        near = [e for e in range(len(edges)) if edges.dst[e] == d and values[edges.src[e], c].any()]
        assert near
        weights = logits[near].softmax(dim=0)  # (edges, heads)
        wanted = weights.T @ values[edges.src[near], c]
        assert torch.allclose(found[row], wanted, atol=1e-5)


def test_a_cell_line_absent_from_training_has_no_messages(data, fitted):
    """Cell lines are found by name, not by position."""
    fewer = dataclasses.replace(data, cells=["new", "A"])
    place, known = (fitted.inputs(of, fitted.learned).in_cell for of in (fewer, data))
    assert (place[:, 0] == -1).all()
    assert torch.equal(place[:, 1], known[:, 0])
    assert (place[:4, 1] >= 0).all()


def test_another_backend_gives_the_same(data, fitted):
    pairs = Pairs(np.array([4, 0]), np.array([0, 1]))
    found = fitted.predict(data, pairs)
    assert fitted.chosen["attention"] == "fused"
    # DGL has no wheel past Python 3.11.
    for backend in ("dgl", "torch") if importlib.util.find_spec("dgl") else ("torch",):
        other = GAT(ensemble=1, epochs=2, width=8, neighbours=3, backend=backend)
        other.learned, other.genes, other.cells = fitted.learned, fitted.genes, fitted.cells
        assert other.chosen["attention"] == backend
        assert np.allclose(other.predict(data, pairs), found, atol=1e-5)


def test_an_unknown_backend_stops_before_training(data):
    delta = np.zeros((1, 4), np.float32)
    train = Signatures(np.array([0]), np.array([0]), delta)
    with pytest.raises(InputError, match="backend: 'cuda' must be 'auto', 'fused'"):
        GAT(backend="cuda").fit(data, train, train)


def test_it_trains_and_predicts_without_a_graph(data):
    bare = NoGraph().apply(data, np.random.default_rng(0)).data
    delta = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    train = Signatures(np.arange(4), np.zeros(4, np.int64), delta)
    model = GAT(ensemble=1, epochs=1, width=8)
    model.fit(bare, train, train)
    found = model.predict(bare, Pairs(np.array([3, 4]), np.array([0, 1])))
    assert np.isfinite(found).all()
