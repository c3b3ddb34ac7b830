"""Components of residuals, and the noise that their spreads suggest."""

import numpy as np

from perturbkg.data import Signatures
from perturbkg.models._components import Components
from perturbkg.training.target_scale import Scaled


def components(residual: np.ndarray, most: int | None = None) -> Components:
    delta = residual.astype(np.float32)
    zeros = np.zeros(len(delta), np.int64)
    scaled = Scaled.learn(Signatures(zeros, zeros, delta), 1, "none")
    return Components.of(scaled, np.ones(len(delta), np.float32), most)


def test_noise_is_the_inverse_of_the_spread_in_powers_of_two() -> None:
    # Three genes that vary by 8, 4 and 1, without each other: spreads 8 : 4 : 1.
    found = components(np.array([[8, 4, 1], [-8, 4, -1], [8, -4, -1], [-8, -4, 1]]))
    np.testing.assert_array_equal(found.noise, [1, 2, 8])
    np.testing.assert_allclose(np.abs(found.rotation), np.eye(3), atol=1e-5)


def test_all_components_give_the_residuals_back_and_the_leading_ones_the_nearest() -> None:
    residual = np.random.default_rng(0).normal(size=(6, 5)) * [5, 4, 3, 2, 1]
    found = components(residual)
    np.testing.assert_allclose(found.profiles(found.values), found.scaled.residual, atol=1e-4)
    leading = components(residual, 2)
    left = np.linalg.svd(found.scaled.residual, compute_uv=False)[2:]
    error = found.scaled.residual - leading.profiles(leading.values)
    np.testing.assert_allclose((error**2).sum(), (left**2).sum(), rtol=1e-3)


def test_profiles_that_do_not_vary_have_no_components() -> None:
    found = components(np.ones((4, 3)))
    assert found.values.shape == (4, 0)
    np.testing.assert_array_equal(found.profiles(found.values), np.zeros((4, 3)))


def test_few_and_many_signatures_have_the_same_components() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 7)) * [9, 5, 3, 2, 1, 1, 1]
    few, many = components(rows), components(np.concatenate([rows, rows]))  # wide and tall
    np.testing.assert_array_equal(few.noise[:3], many.noise[:3])
    np.testing.assert_allclose(np.abs(few.rotation[:, :3]), np.abs(many.rotation[:, :3]), atol=1e-3)
