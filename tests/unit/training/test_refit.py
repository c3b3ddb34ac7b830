"""Both parts together."""

import numpy as np

from perturbkg.data import Signatures
from perturbkg.training.refit import joined


def test_training_comes_first_and_every_field_is_kept():
    train = Signatures(np.array([4, 5]), np.array([0, 1]), np.array([[1, 2], [3, 4]], np.float32))
    validation = Signatures(np.array([6]), np.array([1]), np.array([[5, 6]], np.float32))
    both = joined(train, validation)
    assert both.drug.tolist() == [4, 5, 6]
    assert both.cell.tolist() == [0, 1, 1]
    assert both.delta.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert len(train) == 2
