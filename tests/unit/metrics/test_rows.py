"""Blocks, ranks, ties and the choice of genes, against plain definitions and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr, rankdata

from perturbkg.metrics import _rows

# Few different values, so that ties are common.
TIED = arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(2, 30)), elements=st.integers(-3, 3))
PROFILE = arrays(
    np.float32, 20, elements=st.floats(-10, 10, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3)
)


def test_by_block_equals_one_call():
    values = np.random.default_rng(0).normal(size=(3 * _rows.BLOCK + 1, 4))
    np.testing.assert_array_equal(_rows.by_block(lambda x: x.sum(axis=1), values), values.sum(axis=1))


@given(TIED)
def test_ranks_agree_with_scipys_average_ranks(values):
    np.testing.assert_array_equal(_rows.ranks(values) + 1, rankdata(values, axis=1))


@given(TIED, st.data())
def test_largest_breaks_ties_by_gene_order(values, data):
    k = data.draw(st.integers(1, values.shape[1]))
    for row, marked in zip(values, _rows.largest(values, k), strict=True):
        first = sorted(range(len(row)), key=lambda gene: (-row[gene], gene))[:k]
        assert sorted(first) == np.flatnonzero(marked).tolist()


def test_degs_are_the_largest_by_size_in_gene_order():
    observed = np.array([[1, -5, 0, 3, -3, 2], [0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(_rows.degs(observed, 3), [[1, 3, 4], [0, 1, 2]])


@given(PROFILE, PROFILE, st.floats(0.125, 8, width=32), st.floats(-4, 4, width=32))
def test_pearson_is_bounded_symmetric_and_ignores_scale_and_shift(a, b, scale, shift):
    a, b = a[None], b[None]
    value = _rows.pearson(a, b)[0]
    assert np.isnan(value) == (not (_rows.varies(a) & _rows.varies(b))[0])
    assert _rows.pearson(b, a)[0] == value or np.isnan(value)
    if not np.isnan(value):
        assert -1 <= value <= 1
        moved = scale * a.astype(np.float64) + shift
        assert _rows.pearson(moved, b)[0] == pytest.approx(value, abs=1e-9) or not _rows.varies(moved)[0]


def test_pearson_agrees_with_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 50, 978)).astype(np.float32)
    expected = [
        pearsonr(x.astype(np.float64), y.astype(np.float64)).statistic for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(_rows.pearson(a, b), expected, atol=1e-12)


def test_centring_ignores_rounding_noise():
    mean = np.array([[1000.0, -2.0, 0.5]], dtype=np.float32)
    rounded = np.nextafter(mean, np.float32(np.inf))
    np.testing.assert_array_equal(_rows.centred(rounded, mean), np.zeros((1, 3)))
    np.testing.assert_allclose(_rows.centred(mean + 1, mean), np.ones((1, 3)))
    np.testing.assert_array_equal(_rows.centred(0 * mean, 0 * mean), np.zeros((1, 3)))
