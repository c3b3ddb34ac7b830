"""The pair kernel, by hand, and its products without forming it."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.data import Pairs
from perturbkg.errors import InputError
from perturbkg.kernels.pairs import PairKernel, Product, Term

ONE = Term(np.array([[1, 0.5], [0.5, 2]], np.float32), np.array([[1, 0.1], [0.1, 3]], np.float32))
SAME = Term(sp.csr_array(np.eye(2, dtype=np.float32)), np.full((2, 2), 0.25, np.float32), "same")
HAND = PairKernel((ONE, SAME))


def world(seed: int, drugs: int, cells: int) -> PairKernel:
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((drugs, drugs + 1)), random.standard_normal((cells, cells + 1))
    parent = random.integers(0, max(drugs // 2, 1), drugs)
    same = sp.csr_array((parent[:, None] == parent).astype(np.float32))
    return PairKernel(
        (
            Term((a @ a.T / drugs).astype(np.float32), (b @ b.T / cells).astype(np.float32)),
            Term(same, np.ones((cells, cells), np.float32)),
        )
    )


def draw_pairs(random: np.random.Generator, number: int, drugs: int, cells: int) -> Pairs:
    return Pairs(random.integers(0, drugs, number), random.integers(0, cells, number))


def test_by_hand():
    a, b = Pairs(np.array([0, 1]), np.array([0, 1])), Pairs(np.array([1, 1]), np.array([0, 1]))
    # .5 x 1 + 0; .5 x .1 + 0; 2 x .1 + .25; 2 x 3 + .25
    expected = [[0.5, 0.05], [0.45, 6.25]]
    np.testing.assert_allclose(HAND.between(a, b), expected, rtol=1e-6)
    np.testing.assert_allclose(HAND.diagonal(a), [1.25, 6.25], rtol=1e-6)
    vector = np.array([[1.0], [10.0]], np.float32)
    for formed in (0, 100):  # the vec trick, and the formed kernel
        np.testing.assert_allclose(Product(HAND, a, b, formed).times(vector), [[1.0], [62.95]], rtol=1e-6)


@given(
    seed=st.integers(0, 2**32),
    sizes=st.tuples(*[st.integers(1, 12)] * 3),
    drugs=st.integers(1, 9),
    cells=st.integers(1, 6),
    precision=st.sampled_from([np.float32, np.float64]),
)
def test_products_equal_those_of_the_formed_kernel(seed, sizes, drugs, cells, precision):
    random = np.random.default_rng(seed)
    kernel = world(seed, drugs, cells)
    a, b = draw_pairs(random, sizes[0], drugs, cells), draw_pairs(random, sizes[1], drugs, cells)
    matrix = random.standard_normal((len(b), sizes[2])).astype(precision)
    found = Product(kernel, a, b, formed=0).times(matrix)
    expected = kernel.between(a, b).astype(np.float64) @ matrix
    assert found.dtype == precision and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(np.abs(expected).max(), 1))
    np.testing.assert_allclose(
        kernel.times(a, b, matrix), expected, atol=1e-5 * max(np.abs(expected).max(), 1)
    )


def test_the_diagonal_is_that_of_the_kernel():
    pairs = draw_pairs(np.random.default_rng(0), 20, 7, 3)
    kernel = world(1, 7, 3)
    np.testing.assert_allclose(kernel.diagonal(pairs), kernel.between(pairs, pairs).diagonal(), rtol=1e-5)


def test_a_large_kernel_is_not_formed(monkeypatch: pytest.MonkeyPatch):
    pairs = draw_pairs(np.random.default_rng(0), 2100, 50, 4)
    kernel, matrix = world(1, 50, 4), np.ones((2100, 2), np.float32)
    expected = kernel.between(pairs, pairs) @ matrix
    monkeypatch.delattr(PairKernel, "between")
    np.testing.assert_allclose(kernel.times(pairs, pairs, matrix), expected, rtol=1e-3, atol=1e-2)


def test_values_that_are_not_finite_are_named():
    cell = np.eye(2, dtype=np.float32)
    cell[0, 1] = np.nan
    with pytest.raises(InputError, match=r"kernel of cell lines in target: some values are not finite"):
        PairKernel((ONE, Term(np.eye(2, dtype=np.float32), cell, "target"))).check()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_a_factor_that_is_not_symmetric_is_named(make):
    drug = make(np.array([[1, 0.5], [0, 1]], np.float32))
    with pytest.raises(InputError, match="kernel of drugs in term 2: not symmetric"):
        PairKernel((ONE, Term(drug, np.eye(2, dtype=np.float32)))).check()


def test_the_indefinite_factor_is_found_among_used_rows():
    drug = np.array([[1, 2, 0], [2, 1, 0], [0, 0, 1]], np.float32)
    kernel = PairKernel((ONE, Term(drug, np.eye(2, dtype=np.float32), "walk")))
    zeros = np.zeros(2, np.int64)
    bad = kernel.not_positive_definite(Pairs(np.array([0, 1]), zeros))
    assert "that of drugs in walk has the eigenvalue -1;" in str(bad)
    assert "too large beside the noise" in str(kernel.not_positive_definite(Pairs(np.array([0, 0]), zeros)))
