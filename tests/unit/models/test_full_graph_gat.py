"""The full-graph GAT: what it starts from, what affects a prediction, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch

from perturbkg.attention import kernels
from perturbkg.attention.__main__ import compile_kernels
from perturbkg.data import Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.models import _walk, full_graph_gat
from perturbkg.models.full_graph_gat import FullGraphGAT
from perturbkg.models.gat import GAT

SMALL = {"ensemble": 1, "epochs": 2, "width": 8, "node_width": 8, "heads": 2, "batch": 4}


@pytest.fixture
def parts() -> tuple[Signatures, Signatures]:
    """Return signatures of drugs 0 to 3 in both cell lines, and three of them again for validation."""
    drug, cell = np.repeat(np.arange(4), 2), np.tile(np.arange(2), 4)
    delta = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    return Signatures(drug, cell, delta), Signatures(drug[:3], cell[:3], delta[:3])


@pytest.fixture
def with_genes(data):
    """Return the world with features of one of its two genes."""
    genes = Features(np.array([[1.0, 2.0], [0.0, 0.0]], np.float32), np.array([True, False]))
    return dataclasses.replace(data, features=data.features | {"gene/protein": genes})


def fitted(data, parts, **options):
    model = FullGraphGAT(**SMALL | options)
    model.fit(data, *parts)
    return model


def test_nodes_without_features_are_a_separate_kind(with_genes, parts):
    model = FullGraphGAT(**SMALL)
    vectors, kind, columns = model.node_vectors(with_genes, model.prepare(with_genes, parts[0]))
    cells, genes, drugs = 0, 1, 2  # the types in the order of the graph
    assert kind.tolist() == [2 * cells] * 2 + [2 * genes, 2 * genes + 1] + [2 * drugs] * 5
    assert columns[1::2] == [0, 0, 0]
    assert not vectors[3].any()


def test_features_of_a_gene_affect_the_predictions_of_its_drugs(data, parts):
    """Drugs 0 and 1 target gene 0, drugs 2 and 4 gene 1: training links gene 0 to drugs 0 and 1 only."""

    def world(first: float):
        genes = Features(np.array([[first, 1.0], [0.5, -1.0]], np.float32), np.ones(2, bool))
        return dataclasses.replace(data, features=data.features | {"gene/protein": genes})

    model = fitted(world(1.0), parts, layers=1)
    for name, array in model.learned.items():  # as if it had been trained for long
        if "of_drug.weight" in name:
            array[:] = np.eye(8)
        if name.endswith("body.4.weight"):
            array[:] = 1
    pairs = Pairs(np.arange(5), np.ones(5, np.int64))  # cell line 1 has no edge
    moved = np.abs(model.predict(world(3.0), pairs) - model.predict(world(1.0), pairs)).max(axis=1)
    assert (moved[[0, 1]] > 1e-6).all()
    assert moved[[2, 3, 4]] == pytest.approx(0, abs=1e-6)


def test_training_starts_from_the_perceptron(data, parts):
    """Before the first step the graph's vectors are multiplied by zero weights."""
    model = fitted(data, parts)
    network = model.network(model._made[1], 4, torch.Generator().manual_seed(0))
    assert not network.of_drug.weight.any()
    assert not network.of_cell.weight.any()


def test_a_fanout_above_every_degree_changes_only_the_random_draws(data, parts):
    """If all edges are kept, a sampled pass is exact, but sampling advances the generator."""
    model = fitted(data, parts, fanout=50, node_dropout=0.0)
    inputs = model._made[1]
    network = model.network(inputs, 4, torch.Generator().manual_seed(0))
    sampled = network.train().encode()
    assert torch.allclose(sampled, network.eval().encode(), atol=1e-6)


def test_sampling_is_reproducible(data, parts):
    one, same = (fitted(data, parts, fanout=1) for _ in range(2))
    assert all(np.array_equal(one.learned[name], same.learned[name]) for name in one.learned)


@pytest.mark.parametrize("checkpointing", ["always", "never"])
def test_it_reports_whether_inner_results_are_kept(data, parts, checkpointing):
    assert fitted(data, parts, checkpointing=checkpointing).chosen["checkpointing"] == checkpointing


def test_inner_results_are_recomputed_if_memory_is_short(data, parts, monkeypatch):
    model = FullGraphGAT(**SMALL)
    sizes: list[int] = []
    estimate = full_graph_gat.training_bytes

    def recorded(*arguments, **options) -> int:
        sizes.append(estimate(*arguments, **options))
        return sizes[-1]

    monkeypatch.setattr(full_graph_gat, "training_bytes", recorded)
    monkeypatch.setattr(full_graph_gat, "available_bytes", lambda _: 10**9)
    model.fit(data, *parts)
    kept, again = sizes
    assert again < kept
    monkeypatch.setattr(full_graph_gat, "available_bytes", lambda _: (kept + again) / 2 / 0.9)
    assert fitted(data, parts).chosen["checkpointing"] == "always"


@pytest.mark.parametrize("fanout", [0, 1])
def test_a_graph_too_large_to_predict_on_is_refused_with_any_fanout(data, parts, monkeypatch, fanout):
    monkeypatch.setattr(full_graph_gat, "available_bytes", lambda _: 10)
    monkeypatch.setattr(FullGraphGAT, "network", None)
    with pytest.raises(
        InputError, match=r"9 nodes and \d+ edges in 2 layers needs about .* free; set features"
    ):
        fitted(data, parts, fanout=fanout)


@pytest.mark.parametrize("checkpointing", ["auto", "always", "never"])
def test_a_graph_too_large_for_memory_is_refused_before_training(data, parts, monkeypatch, checkpointing):
    monkeypatch.setattr(full_graph_gat, "available_bytes", lambda _: 10)
    monkeypatch.setattr(full_graph_gat, "predicting_bytes", lambda *_, **__: 1)
    monkeypatch.setattr(FullGraphGAT, "network", None)
    with pytest.raises(
        InputError, match=r"9 nodes and \d+ edges in 2 layers needs about .* free; set .*fanout"
    ):
        fitted(data, parts, checkpointing=checkpointing)


def test_an_option_already_set_is_not_advised(data, parts, monkeypatch):
    monkeypatch.setattr(full_graph_gat, "available_bytes", lambda _: 10)
    monkeypatch.setattr(full_graph_gat, "predicting_bytes", lambda *_, **__: 1)
    with pytest.raises(InputError, match="set fewer layers, a smaller node_width, or ask for more memory"):
        fitted(data, parts, fanout=1, features="float16")
    with pytest.raises(InputError, match="set checkpointing: auto, a fanout"):
        fitted(data, parts, checkpointing="never")


def test_a_fitted_model_predicts_with_too_little_memory_for_training(data, parts, monkeypatch):
    model = fitted(data, parts)
    pairs = Pairs(np.arange(5), np.zeros(5, np.int64))
    wanted = model.predict(data, pairs)
    monkeypatch.setattr(full_graph_gat, "training_bytes", lambda *_, **__: 10**15)
    loaded = FullGraphGAT(**SMALL)
    loaded.learned, loaded.genes, loaded.cells = model.learned, model.genes, model.cells
    assert np.array_equal(loaded.predict(data, pairs), wanted)
    with pytest.raises(InputError, match="GB are free"):
        fitted(data, parts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpointing": "sometimes"}, "checkpointing: 'sometimes' must be 'auto', 'always' or 'never'"),
        ({"features": "float8"}, "features: 'float8' must be 'float32' or 'float16'"),
        ({"node_width": 9}, r"node_width \(9\) must be a multiple of heads \(2\)"),
        ({"layers": 0}, "layers: 0 must be greater than or equal to 1"),
        ({"fanout": -1}, "fanout: -1 must be greater than or equal to 0"),
        ({"backend": "abacus"}, "backend: 'abacus' must be 'auto', 'fused'"),
    ],
)
def test_invalid_options_are_refused(data, parts, options, message):
    with pytest.raises(InputError, match=message):
        fitted(data, parts, **options)


@pytest.mark.parametrize("model", [FullGraphGAT, GAT])
def test_the_graph_can_be_encoded_once_per_epoch(data, parts, model):
    small = {"ensemble": 1, "epochs": 3, "width": 8, "batch": 3, "input_dropout": 0.0}
    steps, epochs = (model(**small, encode_every=every) for every in ("step", "epoch"))
    for made in (steps, epochs):
        made.fit(data, *parts)
    assert set(steps.learned) == set(epochs.learned)
    assert any(not np.array_equal(steps.learned[name], epochs.learned[name]) for name in steps.learned)
    assert all(np.isfinite(array).all() for array in epochs.learned.values())


@pytest.mark.parametrize("model", [FullGraphGAT, GAT])
def test_mixed_precision_is_recorded_and_learns_the_same_up_to_rounding(data, parts, model):
    small = {"ensemble": 1, "epochs": 2, "width": 8, "input_dropout": 0.0, "dropout": 0.0}
    exact, mixed = (model(**small, precision=precision) for precision in ("auto", "bfloat16"))
    pairs = Pairs(np.arange(5), np.zeros(5, np.int64))
    found = []
    for made in (exact, mixed):
        made.fit(data, *parts)
        found.append(made.predict(data, pairs))
    assert (exact.chosen["precision"], mixed.chosen["precision"]) == ("float32", "bfloat16")
    np.testing.assert_allclose(*found, atol=0.05)


@pytest.fixture
def nothing_computed(monkeypatch):
    """Make the first computations of the models fail."""
    monkeypatch.setattr(full_graph_gat, "neighbourhood", None)
    monkeypatch.setattr(_walk, "walk_of", None)


@pytest.mark.parametrize("model", [FullGraphGAT, GAT])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encode_every": "year"}, "encode_every: 'year' must be 'step' or 'epoch'"),
        ({"precision": "float8"}, "precision: 'float8' must be 'auto', 'float32' or 'bfloat16'"),
        ({"loss": "mes"}, "loss: 'mes' must be 'cosine', 'huber'"),
    ],
)
@pytest.mark.usefixtures("nothing_computed")
def test_unknown_values_are_refused_before_anything_is_computed(data, parts, model, options, message):
    with pytest.raises(InputError, match=message):
        model(**options).fit(data, *parts)


@pytest.mark.parametrize("model", [FullGraphGAT, GAT])
def test_the_kernels_compiled_beforehand_are_those_that_models_call(data, parts, model):
    compiled = [kernels.dot, kernels.weighted_sum, kernels.softmax, kernels.softmax_of_scores]
    compiled += [kernels.attend_backward, kernels.sum_rows]
    compile_kernels()
    before = [list(kernel.signatures) for kernel in compiled]
    model(ensemble=1, epochs=1, backend="fused").fit(data, *parts)
    assert [list(kernel.signatures) for kernel in compiled] == before
