"""Train once more on everything that may be seen, when all that validation decides has been decided."""

import dataclasses

import numpy as np

from perturbkg.data import Signatures


def joined(train: Signatures, validation: Signatures) -> Signatures:
    """Return the signatures of both parts, those of training first."""
    both = {
        field.name: np.concatenate([getattr(train, field.name), getattr(validation, field.name)])
        for field in dataclasses.fields(train)
    }
    return dataclasses.replace(train, **both)
