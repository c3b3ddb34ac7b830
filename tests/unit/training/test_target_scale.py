"""Scaled targets: by hand, the way back, and what must not depend on anything."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.data import Signatures
from perturbkg.training.means import cell_means
from perturbkg.training.target_scale import Scaled, scaled

# Rows with mean 0, of length 10 and 40; then one with mean 2 and length 10 beside it; then a constant one.
ROWS = np.array([[6, -8, 2, 0], [0, 24, -32, 8], [8, -6, 4, 2], [7, 7, 7, 7]], np.float32)
LENGTH = np.sqrt([104, 1664, 104])
TRAIN = Signatures(np.arange(4), np.array([0, 0, 1, 1]), ROWS)


def random_signatures(seed: int, n: int = 30, genes: int = 20, cells: int = 3) -> Signatures:
    rng = np.random.default_rng(seed)
    delta = rng.normal(size=(n, genes)) * rng.lognormal(size=(n, 1)) + rng.normal(size=genes)
    return Signatures(np.arange(n), np.arange(n) % cells, delta.astype(np.float32))


def test_none_changes_nothing():
    found = Scaled.learn(TRAIN, 2, "none", 2.0)
    assert found.z is TRAIN.delta
    assert found.scale == 1
    means = cell_means(TRAIN, 2, 2.0)
    np.testing.assert_array_equal(found.centre, means)
    np.testing.assert_array_equal(found.base, means)


def test_sqrt_by_hand():
    weight = np.append(np.sqrt(30 / LENGTH), 0)
    np.testing.assert_allclose(scaled(ROWS, "sqrt"), ROWS * weight[:, None], rtol=1e-6)


def test_unit_by_hand():
    centred = ROWS - np.array([[0], [0], [2], [7]])
    weight = np.append(30 / LENGTH, 0)
    np.testing.assert_allclose(scaled(ROWS, "unit"), centred * weight[:, None], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(scaled(ROWS, "unit"), axis=1), [30, 30, 30, 0], rtol=1e-6)


@pytest.mark.parametrize("kind", ["sqrt", "unit"])
def test_a_constant_profile_becomes_zero(kind: str):
    nearly = np.full((1, 978), 0.1, np.float32) * np.float32(3)
    nearly[0, 5] = np.nextafter(nearly[0, 5], np.float32(1))
    for rows in (np.zeros((2, 978), np.float32), nearly):
        assert not scaled(rows, kind).any()


def test_the_way_back_by_hand():
    """One cell line, two profiles of other lengths in opposite directions, so that all is on one axis."""
    axis = np.array([1, -1]) / np.sqrt(2)
    train = Signatures(np.arange(2), np.zeros(2, np.int64), np.outer([10, -40], axis).astype(np.float32))
    found = Scaled.learn(train, 1, "unit")
    # z: 30 and -30, centre 0, residuals 30 and -30; profiles minus their mean -15: 25 and -25.
    assert found.scale == pytest.approx(25 / 30)
    np.testing.assert_allclose(found.base, 0, atol=1e-5)
    back = found.back(np.array([0, 1]), np.outer([3, 6], axis).astype(np.float32))
    np.testing.assert_allclose(back, np.outer([2.5, 5], axis), rtol=1e-6)


@given(st.integers(0, 50), st.sampled_from(["sqrt", "unit"]), st.floats(0, 5))
def test_the_scale_is_the_least_squares_slope(seed: int, kind: str, shrinkage: float):
    train = random_signatures(seed)
    found = Scaled.learn(train, 3, kind, shrinkage)
    wanted = train.delta - cell_means(train, 3, shrinkage)[train.cell]

    def error(scale: float) -> float:
        return float(np.square(wanted - scale * found.residual, dtype=np.float64).sum())

    assert error(found.scale) < min(error(found.scale * 1.01), error(found.scale * 0.99))


@given(st.integers(0, 50), st.sampled_from(["none", "sqrt", "unit"]), st.floats(0.1, 10))
def test_the_units_of_the_profiles_are_kept(seed: int, kind: str, unit: float):
    """A residual that equals the training ones maps to profiles twice as large where the data are."""
    train = random_signatures(seed)
    larger = dataclasses.replace(train, delta=train.delta * np.float32(unit))
    one, other = (Scaled.learn(part, 3, kind) for part in (train, larger))
    np.testing.assert_allclose(
        other.back(train.cell, other.residual),
        unit * one.back(train.cell, one.residual),
        rtol=1e-3,
        atol=1e-3 * unit,
    )


@pytest.mark.parametrize("kind", ["sqrt", "unit"])
def test_one_signature_in_each_cell_line_is_its_own_prediction(kind: str):
    """All residuals are 0, so the scale is that of the profiles themselves."""
    train = dataclasses.replace(random_signatures(1, n=2, cells=2), delta=ROWS[:2])
    found = Scaled.learn(train, 2, kind)
    assert not found.residual.any()
    assert found.scale == pytest.approx(np.vdot(found.z, ROWS[:2]) / np.vdot(found.z, found.z))


@pytest.mark.parametrize("kind", ["none", "sqrt", "unit"])
def test_nothing_but_zeros_stays_zero(kind: str):
    train = dataclasses.replace(TRAIN, delta=np.zeros_like(ROWS))
    found = Scaled.learn(train, 2, kind)
    assert found.scale == 1
    assert not found.back(np.array([0, 1, 2]), np.zeros((3, 4), np.float32)).any()
