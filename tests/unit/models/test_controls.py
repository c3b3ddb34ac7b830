"""The controls that only average, by hand."""

import numpy as np
import pytest

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.models import Model
from perturbkg.models.mean import Mean
from perturbkg.models.mean_per_cell import MeanPerCell
from perturbkg.models.zero import Zero

TRAIN = Signatures(
    np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([[1, 2, 0, 0], [3, 6, 0, 0], [8, 1, 0, 0]], np.float32)
)
PAIRS = Pairs(np.array([3, 3]), np.array([1, 0]))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Zero(), [[0, 0, 0, 0], [0, 0, 0, 0]]),
        (Mean(), [[4, 3, 0, 0], [4, 3, 0, 0]]),
        (MeanPerCell(), [[8, 1, 0, 0], [2, 4, 0, 0]]),
    ],
)
def test_by_hand(data: Data, model: Model, expected: list[list[float]]):
    assert model.fit(data, TRAIN, TRAIN) == []
    np.testing.assert_array_equal(model.predict(data, PAIRS), expected)
    assert model.parameters == 0


def test_a_cell_line_without_training_gets_the_mean_of_cell_means(data: Data):
    model = MeanPerCell()
    model.fit(data, Signatures(TRAIN.drug[:2], TRAIN.cell[:2], TRAIN.delta[:2]), TRAIN)
    np.testing.assert_array_equal(model.predict(data, PAIRS), [[2, 4, 0, 0], [2, 4, 0, 0]])


def test_files_of_two_models_do_not_load(data: Data, tmp_path):
    for name, model in (("mean", Mean()), ("cell", MeanPerCell())):
        (tmp_path / name).mkdir()
        model.fit(data, TRAIN, TRAIN)
        model.save(tmp_path / name)
    (tmp_path / "cell/model.json").replace(tmp_path / "mean/model.json")
    with pytest.raises(InputError, match=r"model.safetensors and model.json are of different models"):
        MeanPerCell.load(tmp_path / "mean")
