"""The end of a training run whose loss is not finite any more."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from perturbkg.errors import InputError


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
