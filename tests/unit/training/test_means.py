"""The cell means, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.data import Signatures
from perturbkg.training.means import cell_means

# Cell 0 has two signatures, cell 1 has one, cell 2 none.
TRAIN = Signatures(
    np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([[1, 2], [3, 6], [8, 0]], dtype=np.float32)
)


def test_by_hand():
    means = cell_means(TRAIN, 3)
    overall = [5, 2]  # the mean of [2, 4] and [8, 0], not of the three signatures
    assert means.dtype == np.float32
    np.testing.assert_array_equal(means, [[2, 4], [8, 0], overall, overall])


def test_shrinkage_by_hand():
    # Cell 0: (2 x [2, 4] + 1 x [5, 2]) / 3; cell 1: ([8, 0] + [5, 2]) / 2.
    means = cell_means(TRAIN, 2, shrinkage=1.0)
    np.testing.assert_allclose(means, [[3, 10 / 3], [6.5, 1], [5, 2]], rtol=1e-6)


@given(st.permutations(range(3)))
def test_order_of_signatures_does_not_matter(order: list[int]):
    turned = Signatures(TRAIN.drug[order], TRAIN.cell[order], TRAIN.delta[order])
    np.testing.assert_allclose(cell_means(turned, 3), cell_means(TRAIN, 3), rtol=1e-6)


def test_strong_shrinkage_is_the_overall_mean():
    assert cell_means(TRAIN, 3, shrinkage=1e9)[0] == pytest.approx([5, 2], rel=1e-4)
