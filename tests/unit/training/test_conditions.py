"""Dose and time as inputs: scaled by training alone, nothing where they do not vary."""

import numpy as np
import pytest

from perturbkg.data import Pairs
from perturbkg.training.conditions import learn_conditions, read_conditions

NAN = np.nan


def pairs(dose: list[float] | None, time: list[float] | None) -> Pairs:
    size = len(dose or time or [])
    columns = [None if values is None else np.array(values, np.float32) for values in (dose, time)]
    return Pairs(np.arange(size), np.zeros(size, np.int64), dose=columns[0], time=columns[1])


def test_by_hand():
    learned = learn_conditions(pairs([0.1, 10, 10, 0.1], [6, 6, 24, 24]))
    half = np.log10(2)  # of the log of a ratio of 4
    np.testing.assert_allclose(learned["conditions.mean"], [0, np.log10(12)], atol=1e-6)
    np.testing.assert_allclose(learned["conditions.scale"], [1, half], rtol=1e-6)
    found = read_conditions(pairs([1, 100], [12, 24]), learned)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0, 0], [2, 1]], atol=1e-6)


def test_only_what_varies_is_an_input():
    learned = learn_conditions(pairs([10, 10, 10], [6, 24, 24]))
    assert read_conditions(pairs([1, 2], [6, 24]), learned).shape == (2, 1)
    learned = learn_conditions(pairs([1, 10, 10], None))
    np.testing.assert_array_equal(
        read_conditions(pairs([1, 10], [6, 24]), learned),
        read_conditions(pairs([1, 10], None), learned),
    )


@pytest.mark.parametrize(
    "train", [pairs([10, 10], [24, 24]), pairs([10, NAN], [NAN, NAN]), Pairs(np.arange(2), np.arange(2))]
)
def test_one_condition_is_no_input(train: Pairs):
    learned = learn_conditions(train)
    assert learned == {}
    assert read_conditions(pairs([1, 10], [6, 24]), learned).shape == (2, 0)


def test_the_unknown_is_the_mean_and_does_not_shift_it():
    known = learn_conditions(pairs([0.1, 10], [6, 24]))
    learned = learn_conditions(pairs([0.1, NAN, 10], [6, NAN, 24]))
    for name in known:
        np.testing.assert_array_equal(learned[name], known[name])
    np.testing.assert_array_equal(read_conditions(pairs([NAN], [NAN]), learned), [[0, 0]])
