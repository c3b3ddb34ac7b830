"""Nearest drugs, by hand."""

import numpy as np
import pytest

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models.nearest_drugs import NearestDrugs

# Drugs 1 and 2 are trained on; the cell means are [2, 0, 0, 0] in A and [0, 4, 0, 0] in B.
TRAIN = Signatures(
    np.array([1, 2, 1, 2]),
    np.array([0, 0, 1, 1]),
    np.array([[4, 0, 0, 0], [0, 0, 0, 0], [0, 5, 0, 0], [0, 3, 0, 0]], np.float32),
)


def predict(data: Data, drug: int, cell: int, **options: float) -> list[float]:
    model = NearestDrugs(**options)
    model.fit(data, TRAIN, TRAIN)
    return model.predict(data, Pairs(np.array([drug]), np.array([cell])))[0].tolist()


def test_by_hand(data: Data):
    # Drug 0 is like drug 1 (1.0) and drug 2 (0.5, squared 0.25). Residuals of drug 1: +2 of the first gene in
    # A, +1 of the second in B; of drug 2 the opposite. Equal weights of both cell lines: divided by 2.5.
    found = predict(data, 0, 0, power=2.0, same_cell=1.0)
    assert found == pytest.approx([2 + (2 - 0.25 * 2) / 2.5, (1 - 0.25) / 2.5, 0, 0])


def test_the_same_cell_line_has_more_weight(data: Data):
    # Three times the weight of signatures in A: divided by 3 + 1 + 0.75 + 0.25 = 5.
    found = predict(data, 0, 0, power=2.0, same_cell=3.0)
    assert found == pytest.approx([2 + (3 * 2 - 0.75 * 2) / 5, (1 - 0.25) / 5, 0, 0])


def test_only_the_nearest_count(data: Data):
    assert predict(data, 0, 0, neighbours=1, same_cell=1.0) == pytest.approx([2 + 2 / 2, 1 / 2, 0, 0])


@pytest.mark.parametrize("drug", [3, 4], ids=["unlike all", "empty fingerprint"])
def test_a_drug_like_no_other_gets_the_cell_mean(data: Data, drug: int):
    assert predict(data, drug, 1) == [0, 4, 0, 0]
