"""Pooling: the first token, or the mean over all tokens but padding."""

import pytest
import torch

from perturbkg.encoders._language_models.pooling import pool
from perturbkg.errors import InputError

HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [float("nan"), 9e9]], [[5.0, 7.0], [1.0, 1.0], [0.0, 1.0]]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


def test_cls_is_the_first_token():
    assert pool(HIDDEN, MASK, "cls").tolist() == [[1, 2], [5, 7]]


def test_mean_ignores_padding():
    assert pool(HIDDEN, MASK, "mean").tolist() == [[2, 4], [2, 3]]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_vectors_are_float32_in_any_precision_of_the_model(pooling):
    assert pool(HIDDEN.bfloat16(), MASK, pooling).dtype == torch.float32


def test_an_unknown_pooling_is_reported():
    with pytest.raises(InputError, match="pooling: 'max' is not known; write cls or mean"):
        pool(HIDDEN, MASK, "max")
