"""Models: each file holds one model that predicts the delta profile of (drug, cell line) pairs."""

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from safetensors.numpy import load_file, save_file

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.io.files import read_json, write_json, written_beside

#: A model that learned from training and validation together remembers under this name how many they were.
REFITTED = "refitted_on"


@dataclass
class Model(ABC):
    """The estimator contract. Options are fields with defaults; `seed` comes from the workflow.

    A model sees training deltas in `train`, validation deltas in `validation` (to choose when to stop, or
    one of a few penalties, and only then, with an option `refit`, to learn from too), and never a test delta.
    `fit` hands all that it learned to `remember`, and `predict` reads nothing but that and `data`: so a saved
    and loaded model predicts the same to the bit.
    """

    kind: ClassVar[Literal["model", "control"]] = "model"  # control: trivial, every model should beat it
    conditions: ClassVar[bool] = False  # whether dose and time are read, where they vary in training

    seed: int = field(default=0, metadata={"option": False})
    learned: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    genes: list[str] = field(default_factory=list, init=False, repr=False)
    cells: list[str] = field(default_factory=list, init=False, repr=False)

    @abstractmethod
    def fit(self, data: Data, train: Signatures, validation: Signatures) -> list[dict[str, float]]:
        """Train; return the history, one dict (member, epoch, loss, validation) per epoch, [] where none."""

    @abstractmethod
    def predict(self, data: Data, pairs: Pairs) -> np.ndarray:
        """Return (pairs, 978) float32. Pairs may name drugs and cells that training never saw."""

    def predict_std(self, data: Data, pairs: Pairs) -> np.ndarray | None:
        """Return how wrong each prediction is expected to be: (pairs,) float32, in units of the delta.

        That is the root mean square error of the profile over all genes. None from a model that cannot say.
        """
        return None

    @property
    def parameters(self) -> int:
        """Count the numbers that training fitted; 0 for a control that only averages."""
        return 0

    @property
    def chosen(self) -> dict[str, str]:
        """Name what the model chose for itself: where its options say `auto`, and on validation."""
        if REFITTED in self.learned:
            return {"refit": f"training + validation, {self.learned[REFITTED].item():,} signatures"}
        return {}

    def remember(self, data: Data, **arrays: np.ndarray) -> None:
        """Keep what `fit` learned; cell lines are known by name from here on, not by row."""
        self.learned = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
        self.genes, self.cells = list(data.genes), list(data.cells)

    def known_cells(self, data: Data, cell: np.ndarray) -> np.ndarray:
        """Translate rows of `data.cells` into rows of fit's; len(self.cells) for a new cell line."""
        row = {name: index for index, name in enumerate(self.cells)}
        return np.array([row.get(name, len(row)) for name in data.cells], dtype=np.int64)[cell]

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` (arrays) and `model.json` (options, sizes) into an existing folder."""
        names = [item.name for item in dataclasses.fields(self) if item.init]
        with written_beside(folder / "model.safetensors") as temporary:
            save_file(self.learned, temporary)
        write_json(
            {
                "model": type(self).__module__.rsplit(".", 1)[1],
                "options": {name: getattr(self, name) for name in names},
                "sizes": {name: list(array.shape) for name, array in self.learned.items()},
                "genes": self.genes,
                "cells": self.cells,
            },
            folder / "model.json",
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; predictions are the same to the bit."""
        sizes = read_json(folder / "model.json")
        options: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in sizes["options"].items()
        }
        model = cls(**options)
        model.learned = load_file(folder / "model.safetensors")
        model.genes, model.cells = sizes["genes"], sizes["cells"]
        found = {name: list(array.shape) for name, array in model.learned.items()}
        if found != sizes["sizes"]:
            raise InputError(
                f"{folder}: model.safetensors and model.json are of different models; train again"
            )
        return model
