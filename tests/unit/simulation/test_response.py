"""Responses: they show what was planted, and nothing of the graph if kg_signal is 0."""

from dataclasses import replace

import numpy as np
import pytest

from perturbkg.simulation.biology import Mechanism, signed_loadings
from perturbkg.simulation.options import LANDMARKS, SimulationOptions
from perturbkg.simulation.response import Responses, exposure, measure, respond

COMPOUNDS, CELLS, SLOTS = 5, 3, 4


def mechanism(seed: int) -> Mechanism:
    rng = np.random.default_rng(seed)
    sets = [rng.choice(LANDMARKS, 30, replace=False) for _ in range(2)]
    return Mechanism(
        members=[np.arange(5)] * 2,
        planted=np.arange(2),
        weights=signed_loadings(sets, rng),
        target=np.arange(SLOTS),
        via=np.full((SLOTS, 3), -1),
        slot_pathway=np.array([0, 0, 1, 1]),
    )


def responses(
    options: SimulationOptions, of: Mechanism, affinity: np.ndarray, activity: np.ndarray
) -> Responses:
    rng = np.random.default_rng(0)
    return respond(
        options,
        of,
        affinity=affinity,
        activity=activity,
        substituents=np.eye(COMPOUNDS, 6, dtype=np.float32),
        factors=rng.normal(size=(CELLS, 4)),
        rng=rng,
    )


@pytest.fixture
def inputs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    return rng.uniform(0.5, 1.5, (COMPOUNDS, SLOTS)), rng.uniform(0.1, 1, (CELLS, SLOTS))


def test_with_kg_signal_1_the_response_is_the_planted_paths(inputs: tuple[np.ndarray, np.ndarray]) -> None:
    affinity, activity = inputs
    planted = mechanism(1)
    got = responses(SimulationOptions(kg_signal=1.0, cell_effect=0.0), planted, affinity, activity)
    by_hand = np.zeros_like(got.delta)
    for drug in range(COMPOUNDS):
        for cell in range(CELLS):
            for slot in range(SLOTS):
                strength = got.path_scale[drug] * affinity[drug, slot] * activity[cell, slot]
                by_hand[drug, cell] += strength * planted.weights[planted.slot_pathway[slot]]
    np.testing.assert_allclose(got.delta, by_hand, rtol=1e-4, atol=1e-5)


def test_with_kg_signal_0_the_response_depends_on_neither_targets_nor_pathways(
    inputs: tuple[np.ndarray, np.ndarray],
) -> None:
    affinity, activity = inputs
    options = SimulationOptions(kg_signal=0.0)
    one = responses(options, mechanism(1), affinity, activity)
    other = responses(options, mechanism(2), affinity[::-1], activity[::-1])
    np.testing.assert_array_equal(one.delta, other.delta)
    assert not one.path_scale.any()


def test_every_part_has_the_same_size_for_a_compound(inputs: tuple[np.ndarray, np.ndarray]) -> None:
    alone = SimulationOptions(cell_effect=0.0)
    rms = [
        np.sqrt(
            np.mean(responses(replace(alone, kg_signal=k), mechanism(1), *inputs).delta ** 2, axis=(1, 2))
        )
        for k in (0.0, 1.0)
    ]
    np.testing.assert_allclose(rms[0] / rms[1], 1, atol=0.15)  # the halves of the rest are not orthogonal


def test_exposure_by_hand() -> None:
    got = exposure(np.array([10.0, 3.0, 10.0]), np.array([24.0, 24.0, 6.0]))
    np.testing.assert_allclose(got, [1.0, 0.5 * 1.3, 0.5])


def test_measuring_without_noise_returns_the_clipped_signal() -> None:
    signal = np.zeros((3, LANDMARKS), np.float32)
    signal[:, :489] = np.linspace(-20, 20, 489)
    got = measure(signal, np.array([3, 2, 1]), np.zeros(3, np.float32), np.random.default_rng(0))
    np.testing.assert_allclose(got.z, np.clip(signal, -10, 10), atol=1e-4)
    np.testing.assert_allclose(got.correlation[:2], 1, atol=1e-4)
    assert np.isnan(got.correlation[2]) and np.isnan(got.tas[2])
    # 489 steps of 40/488: the 48 steps around 0 stay below 2 and 1 below -2 is 24.4 steps away.
    assert got.active_genes.tolist() == [440, 440, 440]
    np.testing.assert_allclose(got.tas[:2], np.sqrt(440 / 978), rtol=1e-4)


def test_replicates_average_noise_away_and_agree_by_their_signal() -> None:
    signal = np.zeros((400, LANDMARKS), np.float32)
    signal[200:] = np.random.default_rng(1).normal(size=LANDMARKS)
    got = measure(signal, np.full(400, 4), np.ones(400, np.float32), np.random.default_rng(0))
    np.testing.assert_allclose(got.z[:200].std(), 0.5, rtol=0.02)
    assert abs(np.median(got.correlation[:200])) < 0.05  # no signal
    assert (
        0.4 < np.median(got.correlation[200:]) < 0.56
    )  # as much signal as noise: r = 0.5, rho a little less
