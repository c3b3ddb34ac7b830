"""The contract of every metric: meaning, range, best, chance, null if undefined."""

import dataclasses

import numpy as np
import pytest
from scipy.special import ndtri

from perturbkg import plugins
from perturbkg.metrics import Evaluation, Metric

NAMES = plugins.names("metrics")


def world(signatures=120, genes=978, cells=3, seed=0):
    """Make an evaluation with a random prediction."""
    rng = np.random.default_rng(seed)
    cell = np.arange(signatures) % cells
    mean = rng.normal(size=(cells, genes)).astype(np.float32)
    observed = (mean[cell] + rng.normal(0, 1.5, size=(signatures, genes))).astype(np.float32)
    predicted = rng.normal(size=(signatures, genes)).astype(np.float32)
    return Evaluation(observed, predicted, cell, mean, std=rng.uniform(1, 3, size=signatures))


def infos(name):
    return {info.name: info for info in plugins.load("metrics", name).infos}


def reads_std(name):
    return any("predicted std" in info.undefined for info in infos(name).values())


def perfect(evaluation, name):
    """Predict what was observed; for a metric of expected errors, with normal errors of just that size."""
    if not reads_std(name):
        return dataclasses.replace(evaluation, predicted=evaluation.observed)
    genes = evaluation.observed.shape[1]
    errors = ndtri((np.arange(genes) + 0.5) / genes)
    errors *= 1 / np.sqrt(np.mean(errors**2))
    return dataclasses.replace(evaluation, predicted=evaluation.observed + evaluation.std[:, None] * errors)


@pytest.mark.parametrize("name", NAMES)
def test_is_a_frozen_dataclass(name):
    metric = plugins.load("metrics", name)
    assert issubclass(metric, Metric)
    assert dataclasses.is_dataclass(metric) and metric.__dataclass_params__.frozen


def test_names_of_values_are_unique_over_all_files():
    named = [info for name in NAMES for info in infos(name)]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("name", NAMES)
def test_states_the_meaning_of_its_values(name):
    for info in infos(name).values():
        low, high = info.range
        assert info.formula and low < high and low <= info.best <= high
        assert info.best == {"higher": high, "lower": low, "closer": info.best}[info.better]
        assert info.chance is None or low <= info.chance <= high
        if info.chance is None:
            assert "chance" in info.formula, f"{info.name}: the formula must say what chance level depends on"


@pytest.mark.parametrize("name", NAMES)
def test_gives_each_signature_a_value_in_range(name):
    evaluation = world()
    values = plugins.create("metrics", name).compute(evaluation)
    assert list(values) == list(infos(name))
    for key, value in values.items():
        assert value.shape == evaluation.cell.shape and value.dtype == np.float64
        low, high = infos(name)[key].range
        assert ((value >= low) & (value <= high)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_prediction_is_best(name):
    evaluation = world()
    for key, value in plugins.create("metrics", name).compute(perfect(evaluation, name)).items():
        atol = 2e-3 if reads_std(name) else 1e-9  # a share of 978 genes is never 95 % exactly
        np.testing.assert_allclose(value, infos(name)[key].best, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_only_metrics_of_expected_errors_need_a_std(name):
    evaluation = world()
    without = dataclasses.replace(evaluation, std=None)
    values = plugins.create("metrics", name).compute(evaluation)
    for key, value in plugins.create("metrics", name).compute(without).items():
        wanted = np.full(len(value), np.nan) if reads_std(name) else values[key]
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if all(info.chance is not None for info in infos(name).values())]
)
def test_a_random_prediction_is_at_chance(name):
    evaluation = world(signatures=600)
    for key, value in plugins.create("metrics", name).compute(evaluation).items():
        error = value.std() / np.sqrt(len(value))
        assert abs(value.mean() - infos(name)[key].chance) < 4 * error


@pytest.mark.parametrize("name", NAMES)
def test_follows_a_permutation_of_signatures_and_ignores_one_of_genes(name):
    evaluation = world()
    values = plugins.create("metrics", name).compute(evaluation)
    rng = np.random.default_rng(1)
    rows, genes = rng.permutation(len(evaluation.cell)), rng.permutation(978)
    permuted = Evaluation(
        evaluation.observed[rows][:, genes],
        evaluation.predicted[rows][:, genes],
        evaluation.cell[rows],
        evaluation.training_mean[:, genes],
        evaluation.std[rows],
    )
    for key, value in plugins.create("metrics", name).compute(permuted).items():
        np.testing.assert_allclose(value, values[key][rows], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_genes_are_not_chosen_by_the_truth_of_another_signature(name):
    evaluation = world(signatures=12)
    together = plugins.create("metrics", name).compute(evaluation)
    alone = Evaluation(
        evaluation.observed[:1],
        evaluation.predicted[:1],
        evaluation.cell[:1],
        evaluation.training_mean,
        evaluation.std[:1],
    )
    for key, value in plugins.create("metrics", name).compute(alone).items():
        if "test signatures of the cell line" in infos(name)[key].undefined:
            assert np.isnan(value[0])
        else:
            np.testing.assert_allclose(value[0], together[key][0], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_undefined_is_nan_with_a_reason(name):
    evaluation = world(signatures=30, cells=10, genes=50)  # 3 signatures of a cell line, fewer than 100 genes
    nothing = dataclasses.replace(
        evaluation,
        observed=np.zeros_like(evaluation.observed),
        predicted=np.zeros_like(evaluation.predicted),
        training_mean=np.zeros_like(evaluation.training_mean),
        std=np.zeros_like(evaluation.std),
    )
    for key, value in plugins.create("metrics", name).compute(nothing).items():
        info = infos(name)[key]
        if info.undefined:
            assert np.isnan(value).all(), f"{key} of two zero profiles is undefined"
        else:
            np.testing.assert_array_equal(value, np.full(30, info.best))


@pytest.mark.parametrize("name", NAMES)
def test_does_not_change_its_input_and_repeats_to_the_bit(name):
    evaluation = world()
    before = dataclasses.replace(
        evaluation, observed=evaluation.observed.copy(), predicted=evaluation.predicted.copy()
    )
    first = plugins.create("metrics", name).compute(evaluation)
    second = plugins.create("metrics", name).compute(evaluation)
    np.testing.assert_array_equal(evaluation.observed, before.observed)
    np.testing.assert_array_equal(evaluation.predicted, before.predicted)
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key])
