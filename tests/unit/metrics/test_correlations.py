"""pearson, spearman, pearson_deg, pearson_centred: worked by hand, and against SciPy."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr


def test_pearson_by_hand(compute):
    # Deviations (-1.5 -0.5 0.5 1.5) and (-1.5 0.5 -0.5 1.5): covariance 4, both norms squared 5.
    value = compute("pearson", [[1, 2, 3, 4], [1, 2, 3, 4]], [[1, 3, 2, 4], [4, 3, 2, 1]])["pearson"]
    np.testing.assert_allclose(value, [0.8, -1])


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_a_constant_profile_is_undefined(compute, name):
    value = compute(name, [[1, 2, 3], [5, 5, 5], [1, 2, 3]], [[0, 0, 0], [1, 2, 3], [0.1, 0.1 + 1e-8, 0.1]])
    assert np.isnan(value[name]).all()


def test_spearman_by_hand(compute):
    # Ranks 0.5 0.5 2 3, deviations -1 -1 0.5 1.5, against -1.5 -0.5 0.5 1.5: 4.5 / sqrt(4.5 * 5).
    value = compute("spearman", [[10, 20, 30, 1000], [1, 1, 2, 3]], [[1, 3, 2, 4], [1, 2, 3, 4]])["spearman"]
    np.testing.assert_allclose(value, [0.8, 4.5 / np.sqrt(22.5)])


def test_spearman_agrees_with_scipy_with_and_without_ties(compute):
    rng = np.random.default_rng(0)
    observed, predicted = rng.normal(size=(2, 100, 978)).astype(np.float32)
    observed[::2], predicted[::3] = observed[::2].round(1), predicted[::3].round(1)
    expected = [spearmanr(y, p).statistic for y, p in zip(observed, predicted, strict=True)]
    np.testing.assert_allclose(compute("spearman", observed, predicted)["spearman"], expected, atol=1e-12)


def test_pearson_deg_by_hand(compute):
    sign = np.tile([1.0, -1.0], 60)  # of 120 genes: 20 at 10, 30 at 5, 50 at 1, 20 at 0
    observed = sign * np.repeat([10, 5, 1, 0], [20, 30, 50, 20])
    predicted = sign * np.repeat([10, -5, 0, 7], [20, 30, 50, 20])
    value = compute("pearson_deg", observed, predicted)
    assert value["pearson_deg20"] == pytest.approx(1)
    assert value["pearson_deg50"] == pytest.approx((2000 - 750) / 2750)
    assert value["pearson_deg100"] == pytest.approx((2000 - 750) / np.sqrt(2800 * 2750))


def test_pearson_deg_chooses_genes_from_the_rows_own_truth(compute):
    rng = np.random.default_rng(0)
    observed, predicted = rng.normal(size=(2, 30, 200)).astype(np.float32)
    value = compute("pearson_deg", observed, predicted)["pearson_deg50"]
    for row in range(30):
        genes = np.argsort(-np.abs(observed[row]))[:50]
        assert value[row] == pytest.approx(
            pearsonr(observed[row, genes], predicted[row, genes]).statistic, abs=1e-6
        )


def test_pearson_deg_is_undefined_without_enough_genes_or_where_the_prediction_is_constant(compute):
    few = compute("pearson_deg", np.arange(60.0), np.arange(60.0))
    assert few["pearson_deg50"] == pytest.approx(1)
    assert np.isnan(few["pearson_deg100"])
    flat = np.zeros(200)
    flat[:10] = 1  # varies, but not over the most changed genes
    assert np.isnan(compute("pearson_deg", np.arange(200.0), flat)["pearson_deg100"])


def test_pearson_centred_by_hand(compute):
    mean = np.array([[50, -20, 3, 0], [0, 0, 0, 0]])
    specific_y, specific_p = np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4])
    value = compute(
        "pearson_centred",
        [mean[0] + specific_y, specific_y],
        [mean[0] + specific_p, specific_p],
        cell=[0, 1],
        mean=mean,
    )["pearson_centred"]
    np.testing.assert_allclose(value, [0.8, 0.8])


def test_a_prediction_of_the_cell_mean_has_no_centred_correlation(compute):
    mean = np.random.default_rng(0).normal(size=(1, 978)).astype(np.float32)
    observed = mean + np.random.default_rng(1).normal(size=(2, 978))
    rounded = np.vstack([mean, mean * np.float32(1 + 1e-6)])
    assert np.isnan(compute("pearson_centred", observed, rounded, mean=mean)["pearson_centred"]).all()


def test_pearson_centred_is_undefined_without_a_training_mean(compute):
    value = compute("pearson_centred", [1, 2, 3], [1, 2, 3], mean=np.full((1, 3), np.nan))
    assert np.isnan(value["pearson_centred"])
