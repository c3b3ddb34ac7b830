"""Principal components of feature blocks: against scikit-learn, by property, and without leakage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from perturbkg.data import Pairs
from perturbkg.training.inputs import learn_projections, principal_axes, project


@pytest.mark.parametrize("shape", [(30, 7), (12, 40)], ids=["tall", "wide"])
def test_scores_agree_with_scikit_learn_up_to_sign_and_one_factor(shape: tuple[int, int]):
    matrix = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    mean, axes = principal_axes(matrix, 4)
    scores = (matrix - mean) @ axes
    reference = PCA(4).fit_transform(matrix)
    ratio = np.abs(scores) / np.abs(reference)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-2)
    assert np.square(scores).mean() == pytest.approx(1, rel=1e-4)


def test_largest_entry_of_each_axis_is_positive():
    axes = principal_axes(np.random.default_rng(0).normal(size=(20, 5)), 5)[1]
    assert (axes[np.abs(axes).argmax(axis=0), np.arange(5)] > 0).all()


def test_by_hand():
    # Two rows differ in the first column alone: the scores are -1 and 1 in any unit.
    mean, axes = principal_axes(np.array([[1.0, 5.0], [7.0, 5.0]]), 2)
    np.testing.assert_allclose(mean, [4, 5])
    np.testing.assert_allclose(axes, [[1 / 3], [0]], atol=1e-7)


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (3, 0)], ids=["constant", "one row", "no column"])
def test_a_block_that_does_not_vary_keeps_no_component(shape: tuple[int, int]):
    mean, axes = principal_axes(np.ones(shape, np.float32), 5)
    assert axes.shape == (shape[1], 0)
    np.testing.assert_array_equal(mean, np.ones(shape[1]))


@given(st.integers(1, 12), st.integers(2, 8), st.integers(1, 8))
def test_components_are_at_most_the_rank(components: int, rows: int, columns: int):
    matrix = np.random.default_rng(rows * 10 + columns).normal(size=(rows, columns))
    assert principal_axes(matrix, components)[1].shape[1] == min(components, rows - 1, columns)


def test_only_training_drugs_and_cells_are_used():
    rng = np.random.default_rng(0)
    drugs, cells = rng.normal(size=(6, 5)), rng.normal(size=(4, 3))
    train = Pairs(np.array([0, 2, 2, 3]), np.array([0, 1, 2, 0]))
    learned = learn_projections([drugs], cells, train, 3)
    other_drugs, other_cells = drugs.copy(), cells.copy()
    other_drugs[[1, 4, 5]] += 100
    other_cells[3] -= 100
    again = learn_projections([other_drugs], other_cells, train, 3)
    assert sorted(learned) == ["cell.axes", "cell.mean", "drug0.axes", "drug0.mean"]
    for name, array in learned.items():
        np.testing.assert_array_equal(again[name], array)


def test_blocks_are_concatenated():
    rng = np.random.default_rng(0)
    blocks = [rng.normal(size=(6, 5)), np.zeros((6, 4)), rng.normal(size=(6, 2))]
    cells = rng.normal(size=(4, 3))
    train = Pairs(np.arange(6), np.arange(6) % 4)
    learned = learn_projections(blocks, cells, train, 3)
    drug, cell = project(blocks, cells, learned)
    assert drug.shape == (6, 3 + 0 + 2)
    assert cell.shape == (4, 3)
    assert drug.dtype == cell.dtype == np.float32
    np.testing.assert_allclose(
        drug[:, 3:], (blocks[2] - learned["drug2.mean"]) @ learned["drug2.axes"], atol=1e-5
    )
