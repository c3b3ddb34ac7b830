"""Baseline expression: fixed scaling, independent of the other inputs."""

import numpy as np

from perturbkg.encoders.baseline import Baseline


def test_scaled_by_hand() -> None:
    rows = np.array([[8, 11, 5], [14, 9.5, 8]], dtype=np.float32)
    assert Baseline().encode(rows).tolist() == [[0, 1, -1], [2, 0.5, 0]]
    assert Baseline(centre=5, scale=2).encode(rows[:1]).tolist() == [[1.5, 3, 0]]
