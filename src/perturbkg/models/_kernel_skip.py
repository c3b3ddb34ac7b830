"""The predictions of `graph_kernel` that a network starts from, so that it learns what they leave.

A Gaussian process fits its own training pairs far better than those of a new drug. A network that started
from such fits would learn nothing that holds for a new drug. So a training pair starts from a process that
did not see its group: its scaffold where validation drugs are new, the pair itself where they are known.
It reads no dose and no time, as the network does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models._kernel import KernelModel
from perturbkg.models._kernel_choice import Setting, deal, held_out_group, known_drugs
from perturbkg.training.means import cell_means
from perturbkg.training.responses import group_means

PARTS = 5  # that training pairs are dealt to
PREFIX = "kernel."  # of the names of what the process learned


@dataclass
class KernelSkip:
    """A process chosen once, fitted on a training part and on what is left of it without each group."""

    model: KernelModel
    setting: Setting | None = field(default=None, init=False)
    known: bool = field(default=False, init=False)
    _kernels: tuple[Data, dict[str, np.ndarray]] | None = field(default=None, init=False, repr=False)

    def kernels(self, data: Data) -> dict[str, np.ndarray]:
        """Return the drug kernels, made once for a `data`."""
        if self._kernels is None or self._kernels[0] is not data:
            self._kernels = (data, self.model.drug_kernels(data))
        return self._kernels[1]

    def choose(self, data: Data, train: Signatures, validation: Signatures) -> None:
        """Choose the kernel, and whether drugs or pairs are new."""
        self.model.refuse_too_many(len(train) + len(validation), "set skip: false of this model")
        parts = (replace(part, dose=None, time=None) for part in (train, validation))
        self.setting = self.model.choose(data, self.kernels(data), *parts)
        self.known = known_drugs(train, validation)

    def fit(self, data: Data, train: Signatures) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Return what the process learned, the pairs of training (pairs, 2) int64, and their predictions.

        The predictions (pairs, genes) float32 are by signatures of other groups.
        """
        assert self.setting is not None, "choose comes first"
        train = replace(train, dose=None, time=None)
        kernels, cells = self.kernels(data), len(data.cells)
        pairs, number = np.unique(train.drug * cells + train.cell, return_inverse=True)
        group = number if self.known else held_out_group(data, train, known=False)
        # Where there is one group alone, no other predicts it: it starts from the mean of its cell line.
        predicted = cell_means(train, cells)[train.cell]
        for held in deal(group, parts=PARTS, seed=self.model.seed):
            rest = np.setdiff1d(np.arange(len(train)), held)
            self.model.solve(data, kernels, self.setting, train.at(rest))
            predicted[held] = self.model.predict_with(data, kernels, train.at(held))
        self.model.solve(data, kernels, self.setting, train)
        learned = {f"{PREFIX}{name}": array for name, array in self.model.learned.items()}
        mean, _ = group_means(predicted, number, len(pairs))
        return learned, np.stack(np.divmod(pairs, cells), axis=1), mean

    def predict(
        self, data: Data, learned: Mapping[str, np.ndarray], cells: list[str], cell: int
    ) -> np.ndarray:
        """Predict all drugs in one cell line, a row of `data.cells`: (drugs, genes or components) float32."""
        self.model.learned = {
            name.removeprefix(PREFIX): array for name, array in learned.items() if name.startswith(PREFIX)
        }
        self.model.cells = cells
        drugs = np.arange(len(data.drugs))
        return self.model.predict_with(data, self.kernels(data), Pairs(drugs, np.full_like(drugs, cell)))


def in_components(learned: Mapping[str, np.ndarray], axes: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a process learned so that it predicts profiles times `axes` (genes, k), in less time."""
    return {
        name: array @ axes if name.endswith((".weights", ".base")) else array
        for name, array in learned.items()
    }
