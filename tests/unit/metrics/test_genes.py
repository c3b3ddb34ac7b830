"""direction_deg, precision_extremes, auprc_deg: worked by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score


def test_direction_by_hand(compute):
    observed = np.concatenate([np.tile([2, -2], 50), np.ones(20)])
    right = np.repeat([1, -1, 0, -1], [60, 30, 10, 20])  # the last 20 genes are not DEGs
    # 60 right, 30 wrong, 10 without direction: (60 + 5) / 100
    assert compute("direction_deg", observed, observed * right)["direction_deg100"] == pytest.approx(0.65)


def test_direction_counts_only_genes_that_changed(compute):
    observed = np.repeat([1, -1, 0], [30, 10, 80])
    assert compute("direction_deg", observed, np.ones(120))["direction_deg100"] == pytest.approx(0.75)
    assert np.isnan(compute("direction_deg", np.zeros(120), np.ones(120))["direction_deg100"])
    assert np.isnan(compute("direction_deg", np.ones(99), np.ones(99))["direction_deg100"])


def test_precision_of_extremes_by_hand(compute):
    observed = np.arange(400)  # the 100 highest: genes 300 to 399, the 100 lowest: 0 to 99
    predicted = np.zeros(400)
    predicted[370:400] = 9  # 30 right
    predicted[200:220] = 8  # 20 wrong
    predicted[:10] = -9  # 10 right
    predicted[100:140] = -8  # 40 wrong
    value = compute("precision_extremes", observed, predicted)
    assert value["precision_up50"] == pytest.approx(30 / 50)
    assert value["precision_down50"] == pytest.approx(10 / 50)


def test_precision_of_extremes_is_undefined_for_constant_profiles(compute):
    ramp, flat = np.arange(200), np.ones(200)
    for observed, predicted in ((ramp, flat), (flat, ramp), (ramp[:99], ramp[:99])):
        value = compute("precision_extremes", observed, predicted)
        assert np.isnan(value["precision_up50"]) and np.isnan(value["precision_down50"])


def test_auprc_by_hand(compute):
    # By falling |p|: changed, not, changed, changed, not: precisions 1, 2/3, 3/4 at the changed genes.
    value = compute("auprc_deg", [3, -2.5, 0, 1.9, 2], [5, -3, 4, 0.1, 1])["auprc_deg"]
    assert value == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_auprc_of_a_constant_prediction_is_the_share_of_changed_genes(compute):
    assert compute("auprc_deg", [3, -2.5, 0, 1.9, 2], np.zeros(5))["auprc_deg"] == pytest.approx(3 / 5)


@pytest.mark.parametrize("observed", [[1, -1.9, 0], [2, -2, 5]])
def test_auprc_is_undefined_without_two_classes(compute, observed):
    assert np.isnan(compute("auprc_deg", observed, [1, 2, 3])["auprc_deg"])


def test_auprc_agrees_with_scikit_learn_with_and_without_ties(compute):
    rng = np.random.default_rng(0)
    observed, predicted = rng.normal(0, 1.5, size=(2, 100, 978)).astype(np.float32)
    predicted[::2] = predicted[::2].round(1)
    expected = [
        average_precision_score(np.abs(y) >= 2, np.abs(p)) for y, p in zip(observed, predicted, strict=True)
    ]
    np.testing.assert_allclose(compute("auprc_deg", observed, predicted)["auprc_deg"], expected, atol=1e-12)
