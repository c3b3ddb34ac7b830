"""Train once more on everything that may be seen, when all that validation decides has been decided."""

import dataclasses

import numpy as np

from perturbkg.data import Signatures


def joined(train: Signatures, validation: Signatures) -> Signatures:
    """Return the signatures of both parts, those of training first; what training has not (None) stays so."""
    both = {
        field.name: np.concatenate([getattr(train, field.name), getattr(validation, field.name)])
        for field in dataclasses.fields(train)
        if getattr(train, field.name) is not None
    }
    return dataclasses.replace(train, **both)
