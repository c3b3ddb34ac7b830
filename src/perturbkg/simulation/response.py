"""Responses of the simulated world: planted mechanism, structure, private effects, cell line, replicates."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perturbkg.simulation.biology import Mechanism, signed_loadings
from perturbkg.simulation.options import LANDMARKS, SimulationOptions

BLOCK = 256  # signatures whose replicates are in memory at once
SET_SIZE = 50  # genes that a substituent or a private effect moves: as many as a pathway has landmarks
ACTIVE = 2.0  # abs(z) from which a gene counts as changed
FULL_DOSE, FULL_TIME = 10.0, 24.0  # uM, h


@dataclass(frozen=True)
class Responses:
    """Noise-free responses at 10 uM for 24 h."""

    delta: np.ndarray  # (compounds, cells, 978) float32 z-scores
    path_scale: np.ndarray  # (compounds,) what one unit of affinity x activity x weight adds to delta


@dataclass(frozen=True)
class Measured:
    """Level 5 signatures and what their replicates say about them."""

    z: np.ndarray  # (signatures, 978) float32: mean of the replicates, clipped to [-10, 10]
    correlation: (
        np.ndarray
    )  # (signatures,) cc_q75: upper quartile of pairwise Spearman; NaN for one replicate
    active_genes: np.ndarray  # (signatures,) int: genes with abs(z) >= 2
    tas: np.ndarray  # (signatures,) transcriptional activity score; NaN for one replicate


def respond(
    options: SimulationOptions,
    mechanism: Mechanism,
    *,
    affinity: np.ndarray,
    activity: np.ndarray,
    substituents: np.ndarray,
    factors: np.ndarray,
    rng: np.random.Generator,
) -> Responses:
    """Return the responses of compounds (affinity: (compounds, slots)) in cells (activity: (cells, slots)).

    `kg_signal` mixes variances: the graph's part against structure and private effects in equal halves, each
    part of one size for every compound before potency. Structure acts through substituents, drawn apart from
    targets (which scaffolds share) and from the graph's gene sets. So at 0 the graph says nothing, not even
    through what it is correlated with.
    """
    compounds, cells = len(affinity), len(activity)
    pathway_of_slot = np.eye(len(mechanism.planted), dtype=np.float32)[mechanism.slot_pathway]
    driven = (affinity[:, None, :] * activity) @ pathway_of_slot  # (compounds, cells, planted)
    planted = driven @ mechanism.weights
    scale = _inverse_rms(planted)
    planted = scale * planted
    structure = (substituents @ _random_sets(substituents.shape[1], rng))[:, None, :]
    private = _random_sets(compounds, rng)[:, None, :] + 0.5 * _random_sets(compounds * cells, rng).reshape(
        compounds, cells, LANDMARKS
    )
    other = np.sqrt(0.5) * (_inverse_rms(structure) * structure + _inverse_rms(private) * private)
    potency = rng.lognormal(0.0, 0.6, compounds).astype(np.float32)
    signal = options.kg_signal
    specific = options.drug_effect * (np.sqrt(signal) * planted + np.sqrt(1 - signal) * other)
    general = options.cell_effect * _cell_response(factors, rng)
    # ASSUME potent compounds stress a cell line more, along the same direction.
    potency = potency[:, None, None]
    path_scale = potency * options.drug_effect * np.sqrt(signal) * scale
    return Responses((potency * (general + specific)).astype(np.float32), path_scale[:, 0, 0])


def exposure(dose_um: np.ndarray, time_h: np.ndarray) -> np.ndarray:
    """Return the share of the full response at a dose and time: 1 at 10 uM for 24 h.

    ASSUME a Hill curve of slope 1 with half of its maximum at 3 uM, and growth with the root of time.
    """
    hill = dose_um / (dose_um + 3.0) * (FULL_DOSE + 3.0) / FULL_DOSE
    return hill * np.sqrt(time_h / FULL_TIME)


def measure(
    signal: np.ndarray, replicates: np.ndarray, noise: np.ndarray, rng: np.random.Generator
) -> Measured:
    """Measure signals (signatures, 978) in `replicates` (signatures,) with noise (signatures,).

    TAS is sqrt(active genes x correlation / 978), as in Subramanian et al., Cell 2017.
    """
    z = np.empty_like(signal)
    correlation = np.full(len(signal), np.nan)
    for block, wells, present in measure_replicates(signal, replicates, noise, rng):
        z[block] = (wells * present[:, :, None]).sum(axis=1) / replicates[block, None]
        correlation[block] = _upper_quartile_correlation(wells, present)
    z = np.round(z, 4)
    active = (np.abs(z) >= ACTIVE).sum(axis=1)
    return Measured(z, correlation, active, np.sqrt(active * np.maximum(correlation, 0) / LANDMARKS))


def measure_replicates(
    signal: np.ndarray, replicates: np.ndarray, noise: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield blocks of signatures: which, their wells (n, most replicates, 978), which wells exist (n, most).

    Generators of one state measure the same.
    """
    most = int(replicates.max())
    for start in range(0, len(signal), BLOCK):
        block = slice(start, min(start + BLOCK, len(signal)))
        errors = rng.standard_normal((block.stop - start, most, LANDMARKS), dtype=np.float32)
        # Replicates are z-scores, which the platform clips before it averages them.
        wells = np.clip(signal[block, None, :] + noise[block, None, None] * errors, -10, 10)
        yield block, wells, np.arange(most) < replicates[block, None]


def _upper_quartile_correlation(wells: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the 75th percentile of Spearman over pairs of present replicates (n,), NaN without a pair."""
    ranks = wells.argsort(axis=2).argsort(axis=2).astype(np.float32)
    ranks = (ranks - ranks.mean(axis=2, keepdims=True)) / ranks.std(axis=2, keepdims=True)
    pairwise = ranks @ ranks.transpose(0, 2, 1) / LANDMARKS  # (n, most, most)
    first, second = np.triu_indices(wells.shape[1], 1)
    pairs = np.where(present[:, first] & present[:, second], pairwise[:, first, second], np.nan)
    result = np.full(len(wells), np.nan)
    some = present.sum(axis=1) > 1
    result[some] = np.nanquantile(pairs[some], 0.75, axis=1)
    return result


def _cell_response(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the response (cells, 978) of unit RMS that every compound evokes in a cell line.

    ASSUME half of its variance is common to all cell lines and a quarter follows the factors of the baseline.
    """
    size = rng.gamma(2.0, 0.5, LANDMARKS)
    common = rng.normal(size=LANDMARKS)
    shared = factors @ rng.normal(size=(factors.shape[1], LANDMARKS)) / np.sqrt(factors.shape[1])
    own = rng.normal(size=(len(factors), LANDMARKS))
    response = size * (np.sqrt(0.5) * common + 0.5 * shared + 0.5 * own)
    return (response / np.sqrt(np.mean(response**2))).astype(np.float32)


def _random_sets(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n signed gene sets (n, 978) of the same make as a pathway's, drawn apart from the graph."""
    return signed_loadings([rng.choice(LANDMARKS, SET_SIZE, replace=False) for _ in range(n)], rng)


def _inverse_rms(values: np.ndarray) -> np.ndarray:
    """Return one over the root mean square of each compound (compounds, ...), shaped to multiply with."""
    return 1 / np.sqrt(np.mean(np.square(values), axis=(1, 2), keepdims=True))
