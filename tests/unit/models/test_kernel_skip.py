"""What a network starts from: a kernel's predictions, for training pairs without their own group."""

import dataclasses

import numpy as np
import pytest
import torch

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.models._kernel_skip import KernelSkip, in_components
from perturbkg.models.gat import GAT
from perturbkg.models.graph_kernel import GraphKernel


def signatures(drugs: list[int], seed: int = 0) -> Signatures:
    """Return two cell lines for each drug."""
    drug, cell = np.repeat(drugs, 2), np.tile([0, 1], len(drugs))
    delta = np.random.default_rng(seed).normal(size=(len(drug), 4)).astype(np.float32)
    return Signatures(drug, cell, delta)


@pytest.mark.parametrize(("validation", "known"), [([4], False), ([0, 1], True)])
def test_training_pairs_are_predicted_without_their_group(data: Data, validation: list[int], known: bool):
    """What a scaffold, or where validation drugs are known a pair, itself says must not be in it."""
    train = signatures([0, 1, 2, 3])
    skip = KernelSkip(GraphKernel(blocks=0))
    skip.choose(data, train, signatures(validation, seed=1))
    assert skip.known == known
    _, pairs, before = skip.fit(data, train)
    assert pairs.tolist() == [[drug, cell] for drug in range(4) for cell in range(2)]
    group = np.arange(8) if known else data.scaffold_group[train.drug]
    for one in np.unique(group):
        changed = train.delta.copy()
        changed[group == one] *= -3
        after = skip.fit(data, dataclasses.replace(train, delta=changed))[2]
        assert np.allclose(after[group == one], before[group == one], atol=1e-4)
        assert not np.allclose(after, before, atol=1e-4)


def test_new_pairs_are_predicted_by_the_kernel_of_all_training_signatures(data: Data):
    train = signatures([0, 1, 2, 3])
    skip = KernelSkip(GraphKernel(blocks=0))
    skip.choose(data, train, signatures([4], seed=1))
    learned, _, _ = skip.fit(data, train)
    whole = GraphKernel(blocks=0)
    whole.solve(data, whole.drug_kernels(data), skip.setting, train)
    wanted = whole.predict(data, Pairs(np.arange(5), np.ones(5, np.int64)))
    assert np.allclose(skip.predict(data, learned, list(data.cells), 1), wanted, atol=1e-6)
    axes = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    found = skip.predict(data, in_components(learned, axes), list(data.cells), 1)
    assert np.allclose(found, wanted @ axes, atol=1e-5)


def test_an_untrained_network_predicts_what_the_kernel_does(data: Data):
    """Its head starts at zero, and with as many components as genes none of the start is lost."""
    train = signatures([0, 1, 2, 3])
    model = GAT(ensemble=1, epochs=1, width=8, learning_rate=1e-12)
    model.fit(data, train, signatures([4], seed=1))
    pairs = Pairs(np.repeat(np.arange(5), 2), np.tile([0, 1], 5))
    wanted = np.stack([model.kernel.predict(data, model.learned, model.cells, cell) for cell in (0, 1)], 1)
    wanted = wanted @ model.learned["skip.axes"].T
    assert np.allclose(model.predict(data, pairs), wanted.reshape(10, 4), atol=1e-3)


def test_training_starts_elsewhere_than_prediction(data: Data):
    train = signatures([0, 1, 2, 3])
    model = GAT(ensemble=1, epochs=1, width=8)
    model.fit(data, train, signatures([4], seed=1))
    start = model.inputs(data, model.learned).start
    assert start is not None
    assert not torch.allclose(start.new[:4], start.left_out[:4], atol=1e-3)
    assert torch.equal(start.new[4], start.left_out[4])  # no pair of training


def test_one_group_starts_from_its_cell_means(data: Data):
    train = signatures([0])
    skip = KernelSkip(GraphKernel(blocks=0))
    skip.choose(data, train, signatures([4], seed=1))
    assert np.allclose(skip.fit(data, train)[2], train.delta)


def test_too_many_signatures_name_the_option(data: Data):
    part = signatures([0, 1])
    with pytest.raises(InputError, match="skip: false"):
        KernelSkip(GraphKernel(exact_limit=4)).choose(data, part, part)
