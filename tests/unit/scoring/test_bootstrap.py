"""Clustered means and their intervals: worked by hand, coverage by simulation, order and memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.scoring import bootstrap
from perturbkg.scoring.bootstrap import clustered_interval


def interval(values, clusters, seed=0, **options):
    return clustered_interval(
        np.array(values), np.array(clusters), rng=np.random.default_rng(seed), **options
    )


def test_averages_within_clusters_first():
    # Parent a has three signatures, b one: (2 + 8) / 2, not (1 + 2 + 3 + 8) / 4.
    result = interval([1.0, 2.0, 3.0, 8.0], ["a", "a", "a", "b"])
    assert result.mean == 5
    assert (result.low, result.high) == (
        2,
        8,
    )  # two clusters: half of the resamples are a,b; a quarter each a,a and b,b
    assert (result.clusters, result.values, result.dropped) == (2, 4, 0)


def test_undefined_values_are_left_out_and_counted():
    result = interval([1.0, np.nan, 3.0, np.nan], ["a", "a", "b", "c"])
    assert result.mean == 2
    assert (result.clusters, result.values, result.dropped) == (2, 2, 2)


def test_one_cluster_has_no_interval_and_none_has_no_mean():
    one = interval([1.0, 2.0], ["a", "a"])
    assert one.mean == 1.5 and np.isnan([one.low, one.high]).all()
    none = interval([np.nan, np.nan], ["a", "b"])
    assert np.isnan([none.mean, none.low, none.high]).all() and none.clusters == 0 and none.dropped == 2


def test_covers_the_true_mean_as_often_as_stated():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        parent = rng.normal(size=40)  # true mean 0; signatures of one parent share its effect
        clusters = np.repeat(np.arange(40), 5)
        values = parent[clusters] + 0.1 * rng.normal(size=200)
        result = clustered_interval(values, clusters, resamples=400, rng=rng)
        covered += result.low <= 0 <= result.high
    assert 0.88 <= covered / 200 <= 0.99  # without clusters it would be about 0.6


def test_width_follows_the_level_and_agrees_with_the_normal_approximation():
    values = np.random.default_rng(0).normal(size=400)
    wide, narrow = (interval(values, range(400), level=level) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order):
    values, clusters = np.arange(12.0) ** 2, np.arange(12) // 3
    assert interval(values[list(order)], clusters[list(order)], resamples=50) == interval(
        values, clusters, resamples=50
    )


def test_memory_is_bounded_by_blocks_that_are_all_used(monkeypatch):
    assert list(bootstrap.blocks(10, bootstrap.CELLS_OF_MATRIX // 4)) == [4, 4, 2]
    assert list(bootstrap.blocks(2, 10 * bootstrap.CELLS_OF_MATRIX)) == [1, 1]
    values = np.random.default_rng(0).normal(size=100)
    whole = interval(values, range(100))
    monkeypatch.setattr(bootstrap, "CELLS_OF_MATRIX", 1000)
    cut = interval(values, range(100))
    assert cut.low == pytest.approx(whole.low, abs=0.02) and cut.high == pytest.approx(whole.high, abs=0.02)
