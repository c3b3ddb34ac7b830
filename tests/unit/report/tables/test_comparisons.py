"""The reference against other models, by hand."""

import numpy as np
import pytest
from score_matrices import NAN, matrix, paired, table_of, untouched


@pytest.mark.parametrize(
    ("metric", "shift", "better"),
    [("pearson", 0.1, "mlp"), ("pearson", -0.1, "gat"), ("rmse", 0.1, "gat"), ("rmse", -0.1, "mlp")],
)
def test_a_comparison_names_the_better_model(metric, shift, better):
    gat, mlp = paired(shift)
    row = table_of("comparisons", matrix(untouched(gat=gat, mlp=mlp), metric)).row(0, named=True)
    assert row["difference"] == pytest.approx((gat - mlp).mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["better"] == better


def test_a_difference_within_noise_has_no_winner():
    rng = np.random.default_rng(5)
    table = table_of("comparisons", matrix(untouched(gat=rng.normal(size=40), mlp=rng.normal(size=40))))
    assert table["better"].to_list() == ["neither"]


def test_a_metric_that_should_be_near_a_value_is_compared_by_distance():
    models = untouched(gat=[0.9, 0.9, 0.9] * 10, mlp=[1.3, 1.3, 1.3] * 10)
    table = table_of("comparisons", matrix(models, "dispersion"), headline=("dispersion",))
    row = table.row(0, named=True)
    assert row["difference"] == pytest.approx(0.1 - 0.3)
    assert row["better"] == "gat"


def test_only_signatures_that_both_have_a_value_for_are_compared():
    table = table_of("comparisons", matrix(untouched(gat=[0.5, 0.6, NAN], mlp=[NAN, 0.5, 0.1])))
    row = table.row(0, named=True)
    assert (row["difference"], row["paired_signatures"]) == (pytest.approx(0.1), 1)
    nothing = table_of("comparisons", matrix(untouched(gat=[0.5, NAN], zero=[NAN, NAN]))).row(0, named=True)
    assert (nothing["difference"], nothing["p"], nothing["q"], nothing["better"]) == (None,) * 4


def test_q_is_benjamini_hochberg_over_the_whole_table():
    gat, mlp = paired(0.003)
    noise = np.random.default_rng(9).normal(0.3, 0.1, 40)
    table = table_of(
        "comparisons",
        matrix(untouched(gat=gat, mlp=mlp, other=noise)),
        matrix(untouched(gat=gat, mlp=noise), "rmse"),
    ).sort("p", descending=True)
    p, n, smallest, expected = table["p"].to_list(), table.height, 1.0, []
    for at, value in enumerate(p):
        smallest = min(smallest, value * n / (n - at))
        expected.append(smallest)
    assert n == 3
    np.testing.assert_allclose(table["q"], expected)
