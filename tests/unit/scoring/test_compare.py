"""Sign-flip test and false discovery rate: by hand, exact against random, uniform under the null."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.scoring import compare
from perturbkg.scoring.compare import benjamini_hochberg, paired_difference


def difference(a, b, clusters, seed=0, **options):
    return paired_difference(
        np.array(a), np.array(b), np.array(clusters), rng=np.random.default_rng(seed), **options
    )


def test_by_hand():
    # Differences by parent 1, 2, 3: of the 8 ways to flip signs only all + and all - are as extreme.
    result = difference([1.0, 3.0, 2.0, 3.0], [0.0, 2.0, 0.0, 0.0], ["a", "a", "b", "c"])
    assert result.mean == 2
    assert result.p == 2 / 8
    assert 1 <= result.low < 2 < result.high <= 3
    assert (result.clusters, result.values, result.dropped) == (3, 4, 0)


def test_no_difference_has_p_one():
    assert difference([1.0, 2.0], [1.0, 2.0], ["a", "b"]).p == 1
    assert difference(np.ones(50), np.ones(50), range(50)).p == 1


def test_equally_extreme_flips_count_despite_rounding():
    # 0.1 + 0.2 - 0.3 is not 0 in floating point; all sums of +-(0.1, 0.2, 0.3) come in pairs.
    result = difference([0.1, 0.2, -0.3], [0.0, 0.0, 0.0], range(3))
    assert result.p == 1


def test_pairs_with_an_undefined_value_are_left_out_and_counted():
    result = difference([1.0, np.nan, 3.0], [0.0, 1.0, np.nan], ["a", "b", "c"])
    assert (result.clusters, result.values, result.dropped, result.mean) == (1, 1, 2, 1)
    nothing = difference([np.nan], [1.0], ["a"])
    assert np.isnan([nothing.mean, nothing.p]).all()


def test_random_flips_agree_with_all_flips(monkeypatch):
    values = np.random.default_rng(3).normal(0.5, 1, size=12)
    exact = difference(values, np.zeros(12), range(12)).p
    monkeypatch.setattr(compare, "EXACT", 0)
    assert difference(values, np.zeros(12), range(12), resamples=20_000).p == pytest.approx(exact, abs=0.01)


def test_many_clusters_never_give_zero():
    assert difference(np.ones(100), np.zeros(100), range(100), resamples=99).p == 1 / 100


def test_p_is_uniform_under_the_null_and_small_under_a_difference():
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(30), 4)
    p = np.array(
        [
            paired_difference(
                *(rng.normal(size=30)[clusters] + rng.normal(size=(2, 120))), clusters, resamples=199, rng=rng
            ).p
            for _ in range(300)
        ]
    )
    for level in (0.05, 0.25, 0.5, 0.75):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 300))
    shifted = rng.normal(1, 1, size=30)[clusters]
    assert paired_difference(shifted, np.zeros(120), clusters, rng=rng).p < 0.01


def test_is_antisymmetric():
    rng = np.random.default_rng(0)
    a, b, clusters = rng.normal(size=40), rng.normal(size=40), np.arange(40) // 2
    one, other = difference(a, b, clusters), difference(b, a, clusters)
    assert (
        one.p == other.p
        and one.mean == pytest.approx(-other.mean)
        and one.low == pytest.approx(-other.high, abs=0.1)
    )


def test_benjamini_hochberg_by_hand():
    # Sorted 0.01 0.02 0.03 0.5 times 4/1 4/2 4/3 1: 0.04 0.04 0.04 0.5.
    np.testing.assert_allclose(
        benjamini_hochberg(np.array([0.5, 0.01, np.nan, 0.03, 0.02])), [0.5, 0.04, np.nan, 0.04, 0.04]
    )
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()
    assert len(benjamini_hochberg(np.array([]))) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_keeps_the_order_of_p_and_is_never_smaller(p):
    q = benjamini_hochberg(np.array(p))
    assert (q >= np.array(p) - 1e-15).all() and (q <= 1).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-15).all()
