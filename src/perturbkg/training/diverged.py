"""The end of a training run whose loss is not finite any more."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perturbkg.errors import InputError

NAMED = 5  # signatures of a batch that are named


class DivergedError(InputError):
    """A loss that is not finite: where it happened, and the last good weights."""

    def __init__(
        self,
        epoch: int,
        rows: np.ndarray,
        largest: float,
        learning_rate: float,
        weights: Mapping[str, Any],
    ) -> None:
        """Take the training rows of the batch, its largest absolute delta, and the best epoch's weights."""
        super().__init__(
            f"training: the loss is not finite in epoch {epoch}, in a batch of {len(rows)} signatures whose "
            f"largest delta is {largest:.3g}; lower learning_rate (now {learning_rate}) or look for "
            "extreme values in features and signatures"
        )
        self.rows, self.weights = rows, weights
        # A model with the last good weights, where there are any; the model that failed sets it.
        self.checkpoint: Any = None

    def kept_in(self, folder: Path, names: Sequence[str]) -> str:
        """Save the last good weights into a folder; say so, and whose batch it was (names of signatures)."""
        first = ", ".join(names[row] for row in self.rows[:NAMED])
        batch = f"{self}. The batch: {first}{', ...' if len(self.rows) > NAMED else ''}"
        if self.checkpoint is None:
            return f"{batch}. No epoch had ended, so no weights are kept"
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint.save(folder)
        return f"{batch}. The best weights so far are kept in {folder}"
