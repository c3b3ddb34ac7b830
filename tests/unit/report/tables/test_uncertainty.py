"""Expected errors, by hand."""

import pytest
from score_matrices import NAN, matrix, table_of

from perturbkg.report import registry

NONE = [NAN] * 4
PARENT = [0, 0, 1, 2]


def matrices(errors, ratios, coverage):
    """Make three matrices of model -> values; `mean` predicts no error of its own."""
    return [
        matrix({("gat", "none", 1): values, ("mean", "none", 1): other}, metric=metric, parent=PARENT)
        for metric, values, other in (
            ("rmse", errors, [1.0] * 4),
            ("std_error_ratio", ratios, NONE),
            ("coverage", coverage, NONE),
        )
    ]


def test_by_hand():
    # Predicted errors are 1, 2, 3, 4 (rank correlation with 1, 2, 6, 4: 0.8); means are over parents.
    found = table_of("uncertainty", *matrices([1, 2, 6, 4], [1, 1, 2, 1], [0.9, 1.0, 0.5, 0.95]))
    (row,) = found.rows(named=True)
    assert (row["split"], row["model"], row["signatures"]) == ("scaffold", "gat", 4)
    assert row["spearman"] == pytest.approx(0.8)
    assert row["std_error_ratio"] == pytest.approx((1 + 2 + 1) / 3)
    assert row["coverage"] == pytest.approx((0.95 + 0.5 + 0.95) / 3)


def test_signatures_without_an_expected_error_do_not_count():
    found = table_of("uncertainty", *matrices([1, 2, 6, 4], [1, 1, NAN, 1], [0.9, 1.0, NAN, 0.95]))
    row = found.row(0, named=True)
    assert row["signatures"] == 3
    assert row["spearman"] == pytest.approx(1)


def test_what_cannot_be_computed_is_null():
    ratio = matrices([1, 2, 6, 4], [1, 1, 2, 1], NONE)[1]
    row = table_of("uncertainty", ratio).row(0, named=True)
    assert row["spearman"] is None and row["coverage"] is None
    same = table_of("uncertainty", *matrices([1, 2, 6, 4], [1, 2, 6, 4], [0.9] * 4))
    assert same["spearman"].to_list() == [None]  # one error is expected of all


def test_no_model_with_expected_errors_is_no_table():
    found = table_of("uncertainty", matrix({("mean", "none", 1): NONE}, metric="std_error_ratio"))
    assert not registry.load("tables", "uncertainty").lay_out(found, None)
