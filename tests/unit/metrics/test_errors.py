"""rmse, mae, rmse_deg: worked by hand."""

import numpy as np
import pytest


def test_rmse_and_mae_by_hand(compute):
    observed, predicted = [[0, 0, 0, 0], [2, 2, 2, 2]], [[1, -1, 3, 1], [2, 2, 2, 2]]
    np.testing.assert_allclose(compute("rmse", observed, predicted)["rmse"], [np.sqrt(3), 0])
    np.testing.assert_allclose(compute("mae", observed, predicted)["mae"], [1.5, 0])


def test_rmse_deg_by_hand(compute):
    observed = np.repeat([2, -2, 0], [60, 40, 10])
    predicted = np.repeat([3, -3, 50], [60, 40, 10])  # wrong by 1 where it counts
    assert compute("rmse_deg", observed, predicted)["rmse_deg100"] == pytest.approx(1)


def test_rmse_deg_is_undefined_with_fewer_than_100_genes(compute):
    assert np.isnan(compute("rmse_deg", np.ones(99), np.ones(99))["rmse_deg100"])
