"""std_error_ratio, coverage: worked by hand."""

import numpy as np
import pytest

OBSERVED, PREDICTED = np.zeros((3, 4)), [[1, -1, 3, 1], [2, 0, 0, 0], [1, 1, 1, 1]]


def test_ratio_by_hand(compute):
    std = np.array([2 * np.sqrt(3), 0.5, 1.0])
    found = compute("std_error_ratio", OBSERVED, PREDICTED, std=std)["std_error_ratio"]
    np.testing.assert_allclose(found, [0.5, 2, 1])


def test_coverage_by_hand(compute):
    # 1.96 x 1 holds errors of 1, not of 3; 1.96 x 0.5 < 1; an error at the edge counts.
    std = np.array([1.0, 0.5, 1 / 1.96])
    found = compute("coverage", OBSERVED, PREDICTED, std=std)["coverage"]
    np.testing.assert_allclose(found, [0.75, 0.75, 1])


@pytest.mark.parametrize("name", ["std_error_ratio", "coverage"])
def test_undefined_where_no_error_is_expected(compute, name):
    found = compute(name, OBSERVED, PREDICTED, std=np.array([np.nan, 0, 1]))[name]
    assert np.isnan(found).tolist() == [True, True, False]
