"""The error of a training run whose numbers are no longer finite."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perturbkg.errors import InputError
from perturbkg.io.files import write_text

BATCH = "signatures.txt"
NAMED = 5  # signatures of a batch that are named


class DivergedError(InputError):
    """Something that is not finite: where it happened, and the last good weights."""

    def __init__(
        self,
        what: str,
        epoch: int,
        *,
        rows: np.ndarray | None,
        largest: float,
        learning_rate: float,
        weights: Mapping[str, Any],
    ) -> None:
        """Take what is not finite, the training rows of its batch, and the best epoch's weights.

        Without rows it belongs to the epoch. `largest` is the largest absolute delta of these signatures.
        """
        where = "training" if rows is None else f"a batch of {len(rows)} signatures"
        super().__init__(
            f"training: the {what} is not finite in epoch {epoch}, in {where} whose largest delta is "
            f"{largest:.3g}; lower learning_rate (now {learning_rate}) or look for extreme values in "
            "features and signatures"
        )
        self.rows, self.weights = rows, weights
        # A model with the last good weights, where there are any; the model that failed sets it.
        self.checkpoint: Any = None

    def kept_in(self, folder: Path, names: Sequence[str]) -> str:
        """Save the batch (names of signatures) and the last good weights into a folder; say so."""
        lines = [str(self)]
        shutil.rmtree(folder, ignore_errors=True)  # of a run before
        folder.mkdir(parents=True)
        if self.rows is not None:
            batch = [names[row] for row in self.rows]
            write_text("\n".join(batch) + "\n", folder / BATCH)
            more = f", ... (all in {folder / BATCH})" if len(batch) > NAMED else ""
            lines.append(f"The batch: {', '.join(batch[:NAMED])}{more}")
        if self.checkpoint is None:
            lines.append("No epoch had ended well, so no weights are kept")
        else:
            self.checkpoint.save(folder)
            lines.append(f"The best weights so far are kept in {folder}")
        return ". ".join(lines)
