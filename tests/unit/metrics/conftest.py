"""Run a metric by its name on profiles written as lists."""

import numpy as np
import pytest

from perturbkg import plugins
from perturbkg.metrics import Evaluation


@pytest.fixture
def compute():
    def run(name, observed, predicted, cell=None, mean=None, *, std=None):
        observed = np.atleast_2d(np.asarray(observed, dtype=np.float32))
        predicted = np.atleast_2d(np.asarray(predicted, dtype=np.float32))
        cell = np.zeros(len(observed), dtype=np.int64) if cell is None else np.asarray(cell)
        mean = np.zeros((cell.max() + 1, observed.shape[1])) if mean is None else np.asarray(mean)
        evaluation = Evaluation(observed, predicted, cell, mean.astype(np.float32), std)
        return plugins.create("metrics", name).compute(evaluation)

    return run
