"""The GAT's parts by hand: similarity, neighbours, responses, and the edges that must not exist."""

import dataclasses
import importlib.util

import numpy as np
import pytest
import torch

from perturbkg.ablations.no_graph import NoGraph
from perturbkg.data import Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.models import _neighbours
from perturbkg.models._neighbours import nearest
from perturbkg.models.gat import GAT
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
    model = GAT(ensemble=1, epochs=2, width=8, near=4, neighbours=3)
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


def test_attention_starts_at_the_walk_itself(data, fitted):
    """Initially the node logits are the log of the walk, so the attention weights are the walk's shares."""
    inputs = fitted.inputs(data, fitted.learned)
    network = fitted.network(inputs, 4, torch.Generator().manual_seed(0)).eval()
    values = torch.eye(len(inputs.node))
    node = torch.cat([inputs.node, network.type_vector[inputs.node_type]], dim=1)
    with torch.no_grad():
        weights = network.over_nodes(node, inputs.drug[:, : inputs.node.shape[1]], values)[0]
    weights = weights.unflatten(1, (4, -1))[:, 0].numpy()  # (drugs, near nodes) of one head
    wanted = np.zeros_like(weights)
    wanted[inputs.node_edges.dst.numpy(), inputs.node_edges.src.numpy()] = inputs.node_prior.exp().numpy()
    total = wanted.sum(axis=1, keepdims=True)
    assert np.allclose(weights, wanted / np.where(total > 0, total, 1), atol=1e-5)


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
        other = GAT(ensemble=1, epochs=2, width=8, near=4, neighbours=3, backend=backend)
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
