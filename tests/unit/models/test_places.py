"""Cell line, dose and time as one index."""

import numpy as np
import pytest

from perturbkg.models._places import Places


def test_a_place_is_a_cell_line_a_dose_and_a_time() -> None:
    cell = np.array([0, 0, 0, 1, 0])
    logs = np.array([[1, 0], [0, 0], [1, 0], [1, 0], [1, np.log10(3)]])
    places, row = Places.of(cell, logs, 2)
    assert row[0] == row[2]
    assert len(np.unique(row)) == len(places.cell) == 4
    np.testing.assert_array_equal(places.cell[row], cell)
    kernel = places.kernel()[np.ix_(row, row)]
    # One decade of dose, and a factor of 3 in time, are one unit apart; one condition compares as 1.
    assert kernel[0, 3] == 1
    assert kernel[0, 1] == pytest.approx(0.3 + 0.7 * np.exp(-0.5), abs=1e-5)
    assert kernel[0, 4] == pytest.approx(0.3 + 0.7 * np.exp(-0.5), abs=1e-3)
    assert np.linalg.eigvalsh(places.kernel())[0] > -1e-6


def test_at_one_dose_and_time_places_are_cell_lines() -> None:
    cell = np.array([2, 0, 2])
    places, row = Places.of(cell, np.zeros((3, 2), np.float32), 4)
    assert row.tolist() == [2, 0, 2]
    assert places.cell.tolist() == [0, 1, 2, 3]
    assert (places.kernel() == 1).all()
