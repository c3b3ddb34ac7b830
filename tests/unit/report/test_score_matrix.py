"""Scores laid out as matrices, by hand."""

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.report.score_matrix import describe_signatures, make_matrices

SIGNATURES = pl.DataFrame({"signature": ["s1", "s2", "s3"], "drug": ["a", "b", "c"], "cell": "X"})
DRUGS = pl.DataFrame({"drug": ["a", "b", "c"], "parent": ["P", "P", "Q"]})
TESTED = pl.DataFrame(
    {
        "split": "scaffold",
        "fold": [0, 0, 1],
        "drug": ["a", "b", "c"],
        "similarity": [0.1, 0.2, 0.3],
        "has_target": [True, True, False],
    }
)
DELTA = np.array([[0.0, 2.0], [-2.0, 3.0], [1.9, -1.9]])


def scores(rows, dataset="d"):
    table = pl.DataFrame(rows, schema=["fold", "model", "seed", "signature", "value"], orient="row")
    return schemas.check(
        table.select(
            dataset=pl.lit(dataset),
            split=pl.lit("scaffold"),
            fold="fold",
            model="model",
            ablation=pl.lit("none"),
            share=pl.lit(1.0),
            seed="seed",
            signature="signature",
            metric=pl.lit("pearson"),
            value=pl.col("value").cast(pl.Float64),
            reason=pl.lit(None, pl.String),
        ).with_columns(
            pl.col("dataset", "split", "model", "ablation", "signature", "metric", "reason").cast(
                pl.Categorical
            )
        ),
        schemas.Scores,
        "scores",
    )


def described():
    return describe_signatures(DELTA, SIGNATURES, DRUGS, TESTED)


def test_active_genes_are_those_with_a_delta_of_two_or_more():
    assert described().sort("signature")["active"].to_list() == [1, 2, 0]


def test_runs_are_columns_in_a_fixed_order_for_any_order_of_rows():
    rows = [
        (1, "mlp", 1, "s3", 0.6),
        (0, "gat", 2, "s1", 0.5),
        (0, "gat", 1, "s1", 0.1),
        (0, "gat", 1, "s2", 0.2),
        (0, "mlp", 1, "s2", None),
    ]
    for order in (rows, rows[::-1]):
        (matrix,) = make_matrices(scores(order), described())
        assert matrix.rows["signature"].to_list() == ["s1", "s2", "s3"]
        assert matrix.rows["parent"].to_list() == ["P", "P", "Q"]
        assert matrix.parent.tolist() == [0, 0, 1]
        assert matrix.runs == [("gat", "none", 1), ("gat", "none", 2), ("mlp", "none", 1)]
        nan = np.nan
        np.testing.assert_array_equal(matrix.values, [[0.1, 0.5, nan], [0.2, nan, nan], [nan, nan, 0.6]])


def test_seeds_with_a_value_are_averaged():
    rows = [
        (0, "gat", 1, "s1", 0.1),
        (0, "gat", 2, "s1", 0.5),
        (0, "gat", 1, "s2", None),
        (0, "gat", 2, "s2", 0.4),
        (1, "gat", 1, "s3", None),
        (1, "gat", 2, "s3", None),
    ]
    (matrix,) = make_matrices(scores(rows), described())
    np.testing.assert_allclose(matrix.over_seeds["gat", "none"], [0.3, 0.4, np.nan])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: pl.concat([table, table]), "'s1' is scored twice"),
        (lambda table: table.with_columns(fold=pl.lit(1, pl.Int64)), "'s1' is scored in scaffold fold 1"),
        (
            lambda table: pl.concat([table, scores([(0, "gat", 1, "s1", 0.1)], dataset="e")]),
            r"data sets \['d', 'e'\]",
        ),
        (
            lambda table: table.with_columns(metric=pl.lit("made_up", pl.Categorical)),
            "metric 'made_up' is not one of",
        ),
    ],
)
def test_bad_scores_are_refused_in_one_line(change, says):
    with pytest.raises(InputError, match=says) as error:
        make_matrices(change(scores([(0, "gat", 1, "s1", 0.1)])), described())
    assert "\n" not in str(error.value)


def test_a_signature_of_an_unknown_drug_is_refused():
    with pytest.raises(InputError, match="no drug 'c', which signature 's3' names"):
        describe_signatures(DELTA, SIGNATURES, DRUGS[:2], TESTED)
