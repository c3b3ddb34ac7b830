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
    assert both.dose is None
    assert len(train) == 2


def test_doses_and_times_are_joined_too():
    two = np.zeros(2, np.int64)
    delta = np.zeros((2, 3), np.float32)
    train = Signatures(
        two, two, delta, dose=np.array([1, 10], np.float32), time=np.array([6, 24], np.float32)
    )
    validation = Signatures(
        two, two, delta, dose=np.array([3, 4], np.float32), time=np.array([7, 8], np.float32)
    )
    both = joined(train, validation)
    assert both.dose is not None
    assert both.time is not None
    assert both.dose.tolist() == [1, 10, 3, 4]
    assert both.time.tolist() == [6, 24, 7, 8]
