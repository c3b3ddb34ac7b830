"""Choose the kernel of a kernel model: a small stated grid, judged on groups of signatures held out.

Each choice is judged by the mean Pearson of predictions for held-out groups of the training and validation
parts, never of the test part. Groups are scaffolds where validation drugs are new, and signatures where they
are known (all doses of a drug in a cell line together): as the split is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigvalsh
from scipy.optimize import nnls

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.kernels.pairs import PairKernel
from perturbkg.kernels.solve import solve
from perturbkg.models._components import Components

IDENTITIES = (0.15, 0.6, 2.0)
NOISES = (0.1, 0.2, 0.4, 0.8)
TRIAL = 120  # components that a trial is judged by
Weights = Mapping[str, float]  # name of a drug kernel -> what it weighs


@dataclass(frozen=True)
class Setting:
    """One choice of the grid."""

    weights: Weights
    identity: float = IDENTITIES[0]
    noise: float = NOISES[2]
    """of the leading component"""

    def named(self) -> str:
        """Name the drug kernels and their weights."""
        return " + ".join(f"{value:g} {name}" for name, value in self.weights.items()) or "nothing"


@dataclass(frozen=True)
class Trial:
    """Signatures held out together, and the target that the others give."""

    rest: np.ndarray
    held: np.ndarray
    target: Components
    observed: Signatures

    @classmethod
    def of(cls, seen: Signatures, held: np.ndarray, learn: Callable[[Signatures], Components]) -> Self:
        """Hold out some rows of `seen`; `learn` makes the target of the others."""
        rest = np.setdiff1d(np.arange(len(seen)), held)
        return cls(rest, held, learn(seen.at(rest)), seen.at(held))

    def predict(self, system: np.ndarray, noise: float) -> np.ndarray:
        """Predict the held-out profiles from the kernel of all signatures."""
        weights = solve_exactly(system[np.ix_(self.rest, self.rest)], self.target, noise)
        residual = self.target.profiles(system[np.ix_(self.held, self.rest)] @ weights)
        return self.target.scaled.back(self.observed.cell, residual)

    def score(self, system: np.ndarray, noise: float) -> np.ndarray:
        """Return the Pearson of each held-out signature with its prediction: (held,) float32."""
        return _pearson(self.predict(system, noise), self.observed.delta)


def choose(
    trials: Sequence[Trial], system: Callable[[Setting], np.ndarray], candidates: Sequence[Weights]
) -> Setting:
    """Choose the drug kernel first, then the identity, then the noise; ties keep the simpler one."""

    scored: dict[str, float] = {}

    def score(setting: Setting) -> float:
        if repr(setting) not in scored:
            formed = system(setting)
            found = np.concatenate([trial.score(formed, setting.noise) for trial in trials])
            scored[repr(setting)] = float(found.mean())
        return scored[repr(setting)]

    def best(settings: Sequence[Setting]) -> Setting:
        if len(settings) == 1 or not trials:
            return settings[0]
        return settings[int(np.argmax([score(one) for one in settings]))]

    setting = best([Setting(weights) for weights in candidates])
    setting = best([replace(setting, identity=identity) for identity in IDENTITIES])
    return best([replace(setting, noise=noise) for noise in NOISES])


def error_model(
    trials: Sequence[Trial], kernel: PairKernel, seen: Pairs, chosen: float, noise: float
) -> np.ndarray:
    """Fit the squared error of held-out profiles to `error_inputs`: (3,) float64, none below 0.

    `chosen` is the noise of the setting; the posterior variance among the inputs is that with `noise`.
    """
    system = kernel.between(seen, seen)
    inputs, errors = [], []
    for trial in trials:
        train, held = seen.at(trial.rest), seen.at(trial.held)
        std = solve(
            kernel, train, np.array(noise), np.zeros((len(train), 1)), method="exact", exact_limit=len(train)
        ).std(kernel, train, held)
        predicted = trial.predict(system, chosen)
        inputs.append(error_inputs(predicted, std))
        errors.append(np.square(predicted - trial.observed.delta).mean(axis=1))
    return nnls(np.concatenate(inputs).astype(np.float64), np.concatenate(errors).astype(np.float64))[0]


def error_inputs(predicted: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Return what tells the squared error of a prediction: (pairs, 3) float32.

    A constant, the posterior variance, and the mean square of the predicted profile: strong responses are
    missed by more.
    """
    return np.stack([np.ones_like(std), std**2, np.square(predicted).mean(axis=1)], axis=1)


def solve_exactly(system: np.ndarray, target: Components, noise: float) -> np.ndarray:
    """Return the weights of signatures, by component: (n, components) float32.

    Raises LinAlgError where the system is not positive definite (`naming_indefinite` says which drug kernel).
    """
    weights = np.empty_like(target.values)
    for level in np.unique(target.noise):
        columns = target.noise == level
        matrix = system.copy()
        matrix[np.diag_indices(len(matrix))] += np.float32(noise * level) * target.strength
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        weights[:, columns] = cho_solve(factor, target.values[:, columns], check_finite=False)
    return weights


@contextmanager
def naming_indefinite(kernels: Mapping[str, np.ndarray], drug: np.ndarray) -> Iterator[None]:
    """Turn the failure of a Cholesky factor into an InputError that names the drug kernel at fault."""
    try:
        yield
    except LinAlgError as error:
        used = np.unique(drug)
        lowest, name = min(
            (float(eigvalsh(kernel[np.ix_(used, used)].astype(np.float64))[0]), name)
            for name, kernel in kernels.items()
        )
        raise InputError(
            "the kernel of the training pairs is not positive definite: of the drug kernels, "
            f"{name} has the lowest eigenvalue, {lowest:.3g}; check its features, or leave it out"
        ) from error


def known_drugs(train: Signatures, validation: Signatures) -> bool:
    """Say whether a split asks about known drugs: most validation signatures are of drugs of training."""
    return bool(np.isin(validation.drug, train.drug).mean() > 0.5)


def held_out_group(data: Data, part: Pairs, *, known: bool) -> np.ndarray:
    """Number what is held out together: a drug in a cell line at any dose, or a whole scaffold: (n,) int."""
    pair = part.drug * (part.cell.max(initial=0) + 1) + part.cell
    return pair if known else data.scaffold_group[part.drug]


def some_groups(group: np.ndarray, *, most: int, seed: int) -> np.ndarray:
    """Return the rows of whole groups (n,) drawn at random, until they are `most` or all there are."""
    _, number, size = np.unique(group, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(size))
    drawn = np.zeros(len(size), bool)
    drawn[order] = np.cumsum(size[order]) - size[order] < most
    return np.flatnonzero(drawn[number])


def deal(group: np.ndarray, *, parts: int, seed: int) -> list[np.ndarray]:
    """Deal groups (n,) to parts at random: rows of each part, none of them empty or all there is."""
    _, number = np.unique(group, return_inverse=True)
    part = np.random.default_rng(seed).permutation(number.max() + 1) % parts
    rows = [np.flatnonzero(part[number] == one) for one in range(parts)]
    return [held for held in rows if 0 < len(held) < len(group)]


def _pearson(predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Correlate rows; a constant row counts 0."""
    p = predicted - predicted.mean(axis=1, keepdims=True)
    y = observed - observed.mean(axis=1, keepdims=True)
    size = np.linalg.norm(p, axis=1) * np.linalg.norm(y, axis=1)
    return np.divide((p * y).sum(axis=1), size, out=np.zeros(len(p), np.float32), where=size > 0)
