"""retrieval and dispersion: worked by hand, and retrieval against its definition."""

import numpy as np
import pytest

from perturbkg.metrics import retrieval


def test_retrieval_by_hand(compute):
    observed = np.eye(6)
    predicted = [
        [1, 0, 0, 0, 0, 0],  # right: 0
        [3, 2, 1, 0, 0, 0],  # one of five others is closer: 0.2
        [1, 1, 1, 1, 1, 1],  # five ties: 0.5
        [0, 0, 0, -1, 0, 0],  # all others are closer: 1
        [0, 0, 0, 0, 0, 0],  # no information: 0.5
        [1, 0, 0, 0, 0, 1],  # one tie: 0.1
    ]
    np.testing.assert_allclose(
        compute("retrieval", observed, predicted)["retrieval"], [0, 0.2, 0.5, 1, 0.5, 0.1]
    )


def test_retrieval_needs_five_others_in_the_same_cell_line(compute):
    value = compute("retrieval", np.eye(11), np.eye(11), cell=[0] * 6 + [1] * 5)["retrieval"]
    np.testing.assert_array_equal(np.isnan(value), [False] * 6 + [True] * 5)


def test_the_cell_mean_retrieves_by_chance(compute):
    mean = np.random.default_rng(0).normal(size=(1, 100)).astype(np.float32)
    observed = mean + np.random.default_rng(1).normal(size=(20, 100))
    rounded = np.repeat(mean, 20, axis=0) * np.float32(1 + 1e-6)
    np.testing.assert_array_equal(
        compute("retrieval", observed, rounded, mean=mean)["retrieval"], np.full(20, 0.5)
    )


def test_retrieval_is_undefined_without_a_training_mean(compute):
    assert np.isnan(
        compute("retrieval", np.eye(6), np.eye(6), mean=np.full((1, 6), np.nan))["retrieval"]
    ).all()


def test_retrieval_agrees_with_its_definition_for_any_blocks(compute, monkeypatch):
    monkeypatch.setattr(retrieval, "CELLS_OF_MATRIX", 100)
    rng = np.random.default_rng(2)
    cell, mean = rng.integers(0, 3, 60), rng.normal(size=(3, 40))
    observed, noise = rng.normal(size=(2, 60, 40)).astype(np.float32)
    observed[7] = observed[8] = observed[9]  # equal profiles tie
    predicted = observed + 3 * noise
    value = compute("retrieval", observed, predicted, cell=cell, mean=mean)["retrieval"]
    mean = mean.astype(np.float32)
    for i in range(60):
        guess = predicted[i].astype(float) - mean[cell[i]]
        cosine = {}
        for j in np.flatnonzero(cell == cell[i]):
            truth = observed[j].astype(float) - mean[cell[i]]
            cosine[j] = round(guess @ truth / np.linalg.norm(guess) / np.linalg.norm(truth), 10)
        others = [cosine[j] for j in cosine if j != i]
        share = np.mean([1.0 if other > cosine[i] else 0.5 * (other == cosine[i]) for other in others])
        assert value[i] == pytest.approx(share)


def test_dispersion_by_hand(compute):
    steps = np.arange(5)
    observed = np.stack([steps, 2 * steps, np.ones(5)], axis=1)  # variances 2, 8, 0
    predicted = np.stack([0.5 * steps, -2 * steps, 7 * steps], axis=1)  # 0.5, 8; the third gene is left out
    np.testing.assert_allclose(
        compute("dispersion", observed, predicted)["dispersion"], np.full(5, (0.25 + 1) / 2)
    )


def test_dispersion_of_a_collapsed_model_is_exactly_zero(compute):
    observed = np.random.default_rng(0).normal(size=(7, 30))
    same = np.tile(np.float32(0.1) * np.arange(30), (7, 1))
    np.testing.assert_array_equal(compute("dispersion", observed, same)["dispersion"], np.zeros(7))


def test_dispersion_is_undefined_for_few_signatures_or_without_variance(compute):
    observed = np.random.default_rng(0).normal(size=(9, 3))
    assert np.isnan(compute("dispersion", observed, observed, cell=[0] * 5 + [1] * 4)["dispersion"][5:]).all()
    assert np.isnan(compute("dispersion", np.ones((5, 3)), observed[:5])["dispersion"]).all()
