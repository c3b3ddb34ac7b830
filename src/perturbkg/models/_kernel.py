"""What the kernel models share: a Gaussian process over (drug, cell line) pairs, chosen by held-out groups.

The kernel of two pairs is  drug(d, d') cell(c, c') + identity [d = d'], with noise on its diagonal. `cell` is
.3 + .3 max(0, cosine of centred baselines) + .4 [same cell line]. Which drug kernels are added, the identity
and the noise come from a small stated grid: each is judged by the mean Pearson of predictions for held-out
groups of the training and validation parts, never of the test part. Groups are scaffolds where validation
drugs are new, and signatures where they are known: as the split is.

Profiles are learned as principal components. A component that varies less is more of it noise, so its noise
is larger: inversely proportional to its spread (`perturbkg.models._components`).
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from annotated_types import Ge, Len
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.models import Model
from perturbkg.models._components import Components
from perturbkg.training.refit import joined
from perturbkg.training.target_scale import Scaled, TargetScale

IDENTITIES = (0.15, 0.6, 2.0)
NOISES = (0.1, 0.2, 0.4, 0.8)
TRIAL = 120  # components that a trial of the choice is judged by
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
        return " + ".join(f"{value:g} {name}" for name, value in self.weights.items())


@dataclass
class KernelModel(Model):
    """Predict the scaled residual on the cell mean by a Gaussian process; average over target scales."""

    target_scales: Annotated[tuple[TargetScale, ...], Len(1)] = ("sqrt", "unit")
    """scales of the profiles that are learned (docs/models.md); predictions of several are averaged"""
    shrinkage: Annotated[float, Ge(0)] = 2.0
    """signatures' worth of the mean over cell lines in each cell line's mean"""
    cell_kernel: bool = True
    """whether similar cell lines inform each other more than others do"""
    refit: bool = True
    """whether the chosen kernel is fitted on training and validation signatures together"""
    groups: Annotated[int, Ge(2)] = 4
    """parts that training and validation signatures are dealt to for the choice"""
    exact_limit: Annotated[int, Ge(1)] = 12_000
    """most signatures: memory grows with their square, time with their cube"""

    picked: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    @abstractmethod
    def drug_kernels(self, data: Data) -> dict[str, np.ndarray]:
        """Return name -> (drugs, drugs) float32."""

    @abstractmethod
    def candidates(self, data: Data, kernels: dict[str, np.ndarray], seen: Signatures) -> list[Weights]:
        """Return the sums of drug kernels to choose from, the simplest first."""

    @property
    def parameters(self) -> int:
        """Count the weights of the training signatures."""
        return sum(array.size for name, array in self.learned.items() if name.endswith(".weights"))

    @property
    def chosen(self) -> dict[str, str]:
        """Name the kernel that was chosen and what it was fitted on."""
        return self.picked

    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Choose the kernel by leaving groups out, then solve for the weights of the signatures."""
        self.refuse_too_many(len(train) + len(validation))
        kernels = self.drug_kernels(data)
        setting = self.choose(data, kernels, train, validation)
        fitted = joined(train, validation) if self.refit else train
        self.solve(data, kernels, setting, fitted)
        self.picked = {
            "kernel": setting.named(),
            "identity": f"{setting.identity:g}",
            "noise": f"{setting.noise:g}",
            "refit": f"training{' + validation' if self.refit else ''}, {len(fitted):,} signatures",
        }
        return []

    def refuse_too_many(self, signatures: int, remedy: str = "raise exact_limit of this model") -> None:
        """Raise InputError before the memory of an exact kernel is asked for."""
        if signatures > self.exact_limit:
            raise InputError(
                f"{signatures:,} signatures need {4e-9 * signatures**2:.0f} GB for an exact kernel (at most "
                f"{self.exact_limit:,} are allowed); filter signatures, or {remedy}"
            )

    def choose(
        self, data: Data, kernels: dict[str, np.ndarray], train: Signatures, validation: Signatures
    ) -> Setting:
        """Choose the kernel by leaving out groups of both parts."""
        seen = joined(train, validation)
        group = held_out_group(data, seen, known=known_drugs(train, validation))
        folds = deal(group, parts=self.groups, seed=self.seed)
        trials = [_Trial.of(self, data, seen, held) for held in folds] if len(folds) > 1 else []
        return self._choose(data, kernels, seen, trials, self.candidates(data, kernels, seen))

    def solve(self, data: Data, kernels: dict[str, np.ndarray], setting: Setting, fitted: Signatures) -> None:
        """Remember the weights that a chosen kernel gives to the signatures."""
        weights = [setting.weights.get(name, 0.0) for name in sorted(kernels)]
        arrays = {"kernels": np.array(weights), "identity": np.array(setting.identity)}
        system, size = self._system(data, kernels, setting, fitted)
        for scale in self.target_scales:
            target = self._target(data, fitted, scale)
            weight = target.profiles(_solve(system, target, setting.noise))
            arrays |= {
                f"{scale}.weights": weight * np.float32(target.scaled.scale),
                f"{scale}.base": target.scaled.base,
            }
        self.remember(
            data, drug=fitted.drug, cell=fitted.cell, baseline=data.baseline, size=np.array(size), **arrays
        )

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Add the predicted residual to the mean of the pair's cell line."""
        return self.predict_with(data, self.drug_kernels(data), pairs)

    def predict_with(self, data: Data, kernels: dict[str, np.ndarray], pairs: Pairs) -> np.ndarray:
        """Predict with the drug kernels of `drug_kernels`, which take longer than all the rest."""
        weights = zip(sorted(kernels), self.learned["kernels"], strict=True)
        drug = _weighted(kernels, dict(weights))
        drug = drug[:, self.learned["drug"]] / np.float32(self.learned["size"])
        cell = self.known_cells(data, pairs.cell)
        total = np.zeros((len(pairs), len(self.genes)), np.float32)
        for first in range(0, len(pairs), 1024):
            part = slice(first, first + 1024)
            same = pairs.drug[part, None] == self.learned["drug"]
            cells = self._cells(data.baseline[pairs.cell[part]], cell[part])
            between = drug[pairs.drug[part]] * cells + np.float32(self.learned["identity"]) * same
            for scale in self.target_scales:
                residual = between @ self.learned[f"{scale}.weights"]
                total[part] += self.learned[f"{scale}.base"][cell[part]] + residual
        return total / np.float32(len(self.target_scales))

    def _cells(self, baseline: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Return the cell kernel of some cell lines (some, genes) with those of fitting: (some, fitted)."""
        known = self.learned["baseline"]
        return _cell_kernel(
            known, baseline, known, use=self.cell_kernel, same=cell[:, None] == np.arange(len(known))
        )[:, self.learned["cell"]]

    def _choose(
        self,
        data: Data,
        kernels: dict[str, np.ndarray],
        seen: Signatures,
        trials: Sequence["_Trial"],
        candidates: Sequence[Weights],
    ) -> Setting:
        """Choose the drug kernel first, then the identity, then the noise; ties keep the simpler one."""

        def score(setting: Setting) -> float:
            system, _ = self._system(data, kernels, setting, seen)
            return float(np.concatenate([trial.score(system, setting.noise) for trial in trials]).mean())

        def best(settings: Sequence[Setting]) -> Setting:
            if len(settings) == 1 or not trials:
                return settings[0]
            return settings[int(np.argmax([score(one) for one in settings]))]

        setting = best([Setting(weights) for weights in candidates])
        setting = best([Setting(setting.weights, identity) for identity in IDENTITIES])
        return best([Setting(setting.weights, setting.identity, noise) for noise in NOISES])

    def _target(
        self, data: Data, part: Signatures, scale: TargetScale, most: int | None = None
    ) -> Components:
        """Return what is solved for on one scale; `most` components, None for all."""
        scaled = Scaled.learn(part, len(data.cells), scale, self.shrinkage)
        return Components.of(scaled, _strengths(part.delta, scale), most)

    def _system(
        self, data: Data, kernels: dict[str, np.ndarray], setting: Setting, seen: Pairs
    ) -> tuple[np.ndarray, float]:
        """Return the kernel of all pairs (n, n) float32, and the mean that divided the drug kernel."""
        drug = _weighted(kernels, setting.weights)
        size = float(drug.diagonal()[seen.drug].mean()) or 1.0
        same = np.eye(len(data.cells), dtype=bool)
        cell = _cell_kernel(data.baseline, data.baseline, data.baseline, use=self.cell_kernel, same=same)
        pairs = drug[np.ix_(seen.drug, seen.drug)] / np.float32(size)
        pairs *= cell[np.ix_(seen.cell, seen.cell)]
        pairs += np.float32(setting.identity) * (seen.drug[:, None] == seen.drug)
        return pairs, size


@dataclass(frozen=True)
class _Trial:
    """Signatures held out together, and the target that the others give."""

    rest: np.ndarray
    held: np.ndarray
    target: Components
    observed: Signatures

    @classmethod
    def of(cls, model: KernelModel, data: Data, seen: Signatures, held: np.ndarray) -> "_Trial":
        rest = np.setdiff1d(np.arange(len(seen)), held)
        part, observed = (Signatures(seen.drug[i], seen.cell[i], seen.delta[i]) for i in (rest, held))
        return cls(rest, held, model._target(data, part, model.target_scales[0], TRIAL), observed)

    def score(self, system: np.ndarray, noise: float) -> np.ndarray:
        """Return the Pearson of each held-out signature with its prediction: (held,) float32."""
        weights = _solve(system[np.ix_(self.rest, self.rest)], self.target, noise)
        residual = self.target.profiles(system[np.ix_(self.held, self.rest)] @ weights)
        return _pearson(self.target.scaled.back(self.observed.cell, residual), self.observed.delta)


def _solve(system: np.ndarray, target: Components, noise: float) -> np.ndarray:
    """Return the weights of signatures, by component: (n, components) float32."""
    weights = np.empty_like(target.values)
    for level in np.unique(target.noise):
        columns = target.noise == level
        matrix = system.copy()
        matrix[np.diag_indices(len(matrix))] += np.float32(noise * level) * target.strength
        try:
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError as error:
            raise InputError(f"the kernel of the training pairs is not positive definite: {error}") from error
        weights[:, columns] = cho_solve(factor, target.values[:, columns], check_finite=False)
    return weights


def _weighted(kernels: Mapping[str, np.ndarray], weights: Weights) -> np.ndarray:
    total = np.zeros_like(next(iter(kernels.values())))
    for name, weight in weights.items():
        if weight:
            total += np.float32(weight) * kernels[name]
    return total


def _cell_kernel(
    known: np.ndarray, some: np.ndarray, others: np.ndarray, *, use: bool, same: np.ndarray
) -> np.ndarray:
    """Compare baselines (some, genes), (others, genes), centred by the known: (some, others) float32."""
    if not use:
        return np.ones((len(some), len(others)), np.float32)
    mean = known.mean(axis=0)
    a, b = (
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
        for rows in (some - mean, others - mean)
    )
    return (0.3 + 0.3 * np.maximum(a @ b.T, 0) + 0.4 * same).astype(np.float32)


def _strengths(delta: np.ndarray, scale: TargetScale) -> np.ndarray:
    """Return the relative noise of signatures (n,): on unit scale, a weak one is mostly noise."""
    if scale != "unit":
        return np.ones(len(delta), np.float32)
    norm = delta.std(axis=1)
    share = np.sqrt(np.median(norm) / np.maximum(norm, 1e-6))
    return np.clip(share / np.exp(np.log(np.maximum(share, 1e-6)).mean()), 0.15, 6).astype(np.float32)


def known_drugs(train: Signatures, validation: Signatures) -> bool:
    """Say whether a split asks about known drugs: most validation signatures are of drugs of training."""
    return bool(np.isin(validation.drug, train.drug).mean() > 0.5)


def held_out_group(data: Data, part: Pairs, *, known: bool) -> np.ndarray:
    """Number what is held out together, as the split does: each signature, or a whole scaffold: (n,) int."""
    return np.arange(len(part)) if known else data.scaffold_group[part.drug]


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
