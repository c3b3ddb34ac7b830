"""The end of a training run whose loss is not finite any more."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perturbkg.errors import InputError
from perturbkg.io.files import write_text

BATCH = "signatures.txt"
NAMED = 5  # signatures of a batch that are named


class DivergedError(InputError):
    """A loss that is not finite: where it happened, and the last good weights."""

    def __init__(
        self,
        epoch: int,
        rows: np.ndarray | None,
        largest: float,
        learning_rate: float,
        weights: Mapping[str, Any],
    ) -> None:
        """Take the training rows of the batch, its largest absolute delta, and the best epoch's weights.

        Without rows it is the step of the whole epoch that left weights or gradients that are not finite.
        """
        where = (
            f"the weights are not finite after epoch {epoch}, over training signatures"
            if rows is None
            else f"the loss is not finite in epoch {epoch}, in a batch of {len(rows)} signatures"
        )
        super().__init__(
            f"training: {where} whose largest delta is {largest:.3g}; lower learning_rate (now "
            f"{learning_rate}) or look for extreme values in features and signatures"
        )
        self.rows, self.weights = rows, weights
        # A model with the last good weights, where there are any; the model that failed sets it.
        self.checkpoint: Any = None

    def kept_in(self, folder: Path, names: Sequence[str]) -> str:
        """Save the batch (names of signatures) and the last good weights into a folder; say so."""
        told = [str(self)]
        folder.mkdir(parents=True, exist_ok=True)
        if self.rows is not None:
            batch = [names[row] for row in self.rows]
            write_text("\n".join(batch) + "\n", folder / BATCH)
            more = f", ... (all in {folder / BATCH})" if len(batch) > NAMED else ""
            told.append(f"The batch: {', '.join(batch[:NAMED])}{more}")
        if self.checkpoint is None:
            told.append("No epoch had ended well, so no weights are kept")
        else:
            self.checkpoint.save(folder)
            told.append(f"The best weights so far are kept in {folder}")
        return ". ".join(told)
