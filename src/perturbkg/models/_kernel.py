"""What the kernel models share: a Gaussian process over (drug, cell line) pairs, chosen by held-out groups.

The kernel of two pairs is  (drug(d, d') cell(c, c') + identity [d = d']) condition(x, x'), with noise on its
diagonal. `cell` is .3 + .3 max(0, cosine of centred baselines) + .4 [same cell line]. `condition` is
.3 + .7 exp(-(a^2 + b^2) / 2) of two doses a factor of 10^a and two times a factor of 3^b apart, and 1 where
training has one condition. Which drug kernels are added, the identity and the noise come from a small stated
grid (`perturbkg.models._kernel_choice`).

Profiles are learned as principal components. A component that varies less is more of it noise, so its noise
is larger: inversely proportional to its spread (`perturbkg.models._components`).
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
import scipy.sparse as sp
from annotated_types import Ge, Len

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.kernels.pairs import PairKernel, Term
from perturbkg.kernels.solve import Method, solve
from perturbkg.models import Model
from perturbkg.models._components import Components, strengths
from perturbkg.models._kernel_choice import (
    TRIAL,
    Setting,
    Trial,
    Weights,
    choose,
    deal,
    error_inputs,
    error_model,
    held_out_group,
    known_drugs,
    naming_indefinite,
    solve_exactly,
    some_groups,
)
from perturbkg.models._places import Places
from perturbkg.training.conditions import learn_conditions, read_logs
from perturbkg.training.refit import joined
from perturbkg.training.target_scale import Scaled, TargetScale


@dataclass
class KernelModel(Model):
    """Predict the scaled residual on the cell mean by a Gaussian process; average over target scales."""

    conditions: ClassVar[bool] = True

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
    choice_limit: Annotated[int, Ge(10)] = 4_000
    """most signatures that the choice looks at, in whole groups drawn at random"""
    method: Method = "auto"
    """exact: one Cholesky factor for each level of noise; iterative: conjugate gradients on the leading 120
    components, which never form the kernel of all pairs; auto: exact up to `exact_limit` signatures"""
    exact_limit: Annotated[int, Ge(1)] = 12_000
    """most signatures of the exact method: memory grows with their square, time with their cube"""

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
        fitted = joined(train, validation) if self.refit else train
        if self.method == "exact":
            self.refuse_too_many(len(fitted), "set method: auto, or raise exact_limit of this model")
        kernels = self.drug_kernels(data)
        seen, trials = self._trials(data, train, validation)
        setting = self._choose(data, kernels, seen, trials)
        self.solve(data, kernels, setting, fitted)
        if trials:
            kernel, pairs = self._kernel(data, kernels, setting, seen)
            noise = self.learned["noise"].item()
            self.learned["errors"] = error_model(trials, kernel, pairs, setting.noise, noise)
        self.picked = {
            "kernel": setting.named(),
            "identity": f"{setting.identity:g}",
            "noise": f"{setting.noise:g}",
            "refit": f"training{' + validation' if self.refit else ''}, {len(fitted):,} signatures",
        }
        return []

    def refuse_too_many(self, signatures: int, remedy: str) -> None:
        """Raise InputError before the memory of an exact kernel is asked for."""
        if signatures > self.exact_limit:
            raise InputError(
                f"{signatures:,} signatures need {8e-9 * signatures**2:.0f} GB for an exact kernel (at most "
                f"{self.exact_limit:,} are allowed); {remedy}"
            )

    def choose(
        self, data: Data, kernels: dict[str, np.ndarray], train: Signatures, validation: Signatures
    ) -> Setting:
        """Choose the kernel by leaving out groups of both parts."""
        return self._choose(data, kernels, *self._trials(data, train, validation))

    def solve(self, data: Data, kernels: dict[str, np.ndarray], setting: Setting, fitted: Signatures) -> None:
        """Remember the weights that a chosen kernel gives to the signatures."""
        kernel, pairs = self._kernel(data, kernels, setting, fitted)
        kernel.check()
        exact = self.method == "exact" or (self.method == "auto" and len(fitted) <= self.exact_limit)
        system = kernel.between(pairs, pairs) if exact else None
        arrays = {}
        for scale in self.target_scales:
            target = self._target(data, fitted, scale, None if exact else TRIAL)
            if system is None:
                weights = _solve_iteratively(kernel, pairs, target, setting.noise)
            else:
                with naming_indefinite(kernels, fitted.drug):
                    weights = solve_exactly(system, target, setting.noise)
            arrays[f"{scale}.weights"] = target.profiles(weights) * np.float32(target.scaled.scale)
            arrays[f"{scale}.base"] = target.scaled.base
        conditions = learn_conditions(fitted)
        self.remember(
            data,
            logs=read_logs(fitted, conditions),
            drug=fitted.drug,
            cell=fitted.cell,
            baseline=data.baseline,
            kernels=np.array([setting.weights.get(name, 0.0) for name in sorted(kernels)]),
            identity=np.array(setting.identity),
            size=np.array(_size(kernels, setting.weights, fitted.drug)),
            noise=np.array(setting.noise * target.typical_noise),
            errors=np.array([float(np.square(fitted.delta).mean()), 0.0, 0.0]),  # before trials say better
            **arrays,
            **conditions,
        )

    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Add the predicted residual to the mean of the pair's cell line."""
        return self.predict_with(data, self.drug_kernels(data), pairs)

    def predict_with(self, data: Data, kernels: dict[str, np.ndarray], pairs: Pairs) -> np.ndarray:
        """Predict with the drug kernels of `drug_kernels`, which take longer than all the rest."""
        kernel, train, asked = self._fitted(data, kernels, pairs)
        scales = self.target_scales
        weights = np.mean([self.learned[f"{scale}.weights"] for scale in scales], axis=0)
        base = np.mean([self.learned[f"{scale}.base"] for scale in scales], axis=0)
        total = np.empty((len(pairs), weights.shape[1]), np.float32)
        cell = self.known_cells(data, pairs.cell)
        for first in range(0, len(pairs), 1024):
            part = np.arange(first, min(first + 1024, len(pairs)))
            total[part] = base[cell[part]] + kernel.times(asked.at(part), train, weights)
        return total

    def predict_std(self, data: Data, pairs: Pairs) -> np.ndarray | None:
        """Weigh posterior variance and size of the prediction as errors of held-out groups say."""
        kernels = self.drug_kernels(data)
        kernel, train, asked = self._fitted(data, kernels, pairs)
        if not len(pairs):
            return np.zeros(0, np.float32)
        noise, nothing = np.array(self.learned["noise"].item()), np.zeros((len(train), 1))
        std = solve(kernel, train, noise, nothing, method=self.method, exact_limit=self.exact_limit).std(
            kernel, train, asked
        )
        return np.sqrt(
            error_inputs(self.predict_with(data, kernels, pairs), std) @ self.learned["errors"]
        ).astype(np.float32)

    def _fitted(
        self, data: Data, kernels: dict[str, np.ndarray], pairs: Pairs
    ) -> tuple[PairKernel, Pairs, Pairs]:
        """Return the kernel over all places of fitted and of asked pairs, and both."""
        learned = self.learned
        weights = dict(zip(sorted(kernels), learned["kernels"].tolist(), strict=True))
        setting = Setting(weights, learned["identity"].item())
        known = len(self.cells)
        name = np.concatenate([np.arange(known), self.known_cells(data, np.arange(len(data.cells)))])
        # A cell line that fitting did not know is like no other, apart from its baseline.
        name[known:] = np.where(name[known:] < known, name[known:], known + np.arange(len(data.cells)))
        cells = self._cells(learned["baseline"], np.concatenate([learned["baseline"], data.baseline]), name)
        places, row = Places.of(
            np.concatenate([learned["cell"], pairs.cell + known]),
            np.concatenate([learned["logs"], read_logs(pairs, learned)]),
            len(cells),
        )
        kernel = _pair_kernel(kernels, setting, learned["size"].item(), cells, places)
        fitted = len(learned["drug"])
        return kernel, Pairs(learned["drug"], row[:fitted]), Pairs(pairs.drug, row[fitted:])

    def _trials(
        self, data: Data, train: Signatures, validation: Signatures
    ) -> tuple[Signatures, list[Trial]]:
        """Return the signatures that the choice looks at, and the trials that hold out a part of them."""
        seen = joined(train, validation)
        known = known_drugs(train, validation)
        seen = seen.at(
            some_groups(held_out_group(data, seen, known=known), most=self.choice_limit, seed=self.seed)
        )
        dealt = deal(held_out_group(data, seen, known=known), parts=self.groups, seed=self.seed)

        def learn(part: Signatures) -> Components:
            return self._target(data, part, self.target_scales[0], TRIAL)

        return seen, [Trial.of(seen, held, learn) for held in dealt] if len(dealt) > 1 else []

    def _choose(
        self, data: Data, kernels: dict[str, np.ndarray], seen: Signatures, trials: list[Trial]
    ) -> Setting:
        def system(setting: Setting) -> np.ndarray:
            kernel, pairs = self._kernel(data, kernels, setting, seen)
            return kernel.between(pairs, pairs)

        with naming_indefinite(kernels, seen.drug):
            return choose(trials, system, self.candidates(data, kernels, seen))

    def _kernel(
        self, data: Data, kernels: dict[str, np.ndarray], setting: Setting, fitted: Pairs
    ) -> tuple[PairKernel, Pairs]:
        """Return the kernel, and the pairs that it compares: drugs, and places (`Places`) as cell lines.

        The drug kernel is 1 on average for the fitted pairs.
        """
        cells = self._cells(data.baseline, data.baseline, np.arange(len(data.cells)))
        places, row = Places.of(fitted.cell, read_logs(fitted, learn_conditions(fitted)), len(cells))
        size = _size(kernels, setting.weights, fitted.drug)
        return _pair_kernel(kernels, setting, size, cells, places), Pairs(fitted.drug, row)

    def _cells(self, known: np.ndarray, baseline: np.ndarray, name: np.ndarray) -> np.ndarray:
        """Compare cell lines by baseline (cells, genes), centred by the known ones, and by name (cells,)."""
        if not self.cell_kernel:
            return np.ones((len(baseline), len(baseline)), np.float32)
        centred = baseline - known.mean(axis=0)
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
        cosine = np.maximum(centred @ centred.T, 0)
        return (0.3 + 0.3 * cosine + 0.4 * (name[:, None] == name)).astype(np.float32)

    def _target(self, data: Data, part: Signatures, scale: TargetScale, most: int | None) -> Components:
        """Return what is solved for on one scale; `most` components, None for all."""
        scaled = Scaled.learn(part, len(data.cells), scale, self.shrinkage)
        return Components.of(scaled, strengths(part.delta, scale), most)


def _pair_kernel(
    kernels: Mapping[str, np.ndarray], setting: Setting, size: float, cells: np.ndarray, places: Places
) -> PairKernel:
    """Return the kernel of (drug, place) pairs; `size` divides the sum of drug kernels."""
    drug = _weighted(kernels, setting.weights) / np.float32(size)
    same = sp.eye_array(len(drug), format="csr", dtype=np.float32) * np.float32(setting.identity)
    condition = places.kernel()
    cell = cells[np.ix_(places.cell, places.cell)] * condition
    return PairKernel((Term(drug, cell, setting.named()), Term(sp.csr_array(same), condition, "same drug")))


def _size(kernels: Mapping[str, np.ndarray], weights: Weights, drug: np.ndarray) -> float:
    """Return the mean of the summed drug kernel's diagonal over these drugs; 1 where it is 0."""
    return float(_weighted(kernels, weights).diagonal()[drug].mean()) or 1.0


def _weighted(kernels: Mapping[str, np.ndarray], weights: Weights) -> np.ndarray:
    total = np.zeros_like(next(iter(kernels.values())))
    for name, weight in weights.items():
        if weight:
            total += np.float32(weight) * kernels[name]
    return total


def _solve_iteratively(kernel: PairKernel, fitted: Pairs, target: Components, noise: float) -> np.ndarray:
    """Return the weights of signatures, by component: (n, components) float32."""
    weights = np.empty_like(target.values)
    for level in np.unique(target.noise):
        columns = target.noise == level
        of_pair = np.float32(noise * level) * target.strength
        weights[:, columns] = solve(
            kernel, fitted, of_pair, target.values[:, columns], method="iterative"
        ).weights
    return weights
