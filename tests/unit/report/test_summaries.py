"""Means, comparisons, ablations, strata and folds, by hand and against the definitions."""

import numpy as np
import polars as pl
import pytest

from perturbkg.errors import InputError
from perturbkg.metrics import MetricInfo
from perturbkg.report.blocks import Block
from perturbkg.report.catalogue import Roles
from perturbkg.report.summaries import tabulate

NAN = np.nan


def info(name, better="higher", best=1.0):
    return MetricInfo(name, "", (-1, 1), better, best, 0, "")


METRICS = {
    "pearson": info("pearson"),
    "rmse": info("rmse", "lower", 0.0),
    "dispersion": info("dispersion", "closer", 1.0),
}


def block(columns, metric="pearson", parent=None, **strata):
    """Make a Block of (model, ablation, seed) -> values."""
    n = len(next(iter(columns.values())))
    parent = np.arange(n) if parent is None else np.array(parent)
    rows = {
        "fold": [at % 2 for at in range(n)],
        "signature": [f"s{at}" for at in range(n)],
        "parent": [f"P{at}" for at in parent],
        "similarity": 0.5,
        "has_target": True,
        "active": 5,
        "cell": "X",
    }
    return Block(
        "scaffold",
        metric,
        pl.DataFrame(rows | strata),
        parent.astype(np.int64),
        list(columns),
        np.array(list(columns.values()), dtype=float).T,
    )


def run(*blocks, headline=("pearson", "rmse"), **options):
    options = {"metrics": METRICS, "roles": Roles(), "resamples": 200, "seed": 1} | options
    return tabulate(blocks, headline=headline, **options)


def untouched(**models):
    return {(model, "none", 1): values for model, values in models.items()}


def test_a_mean_is_of_parents_not_of_signatures():
    # Parent 0 has three signatures with mean 0.2, parent 1 one with 0.8: the mean is 0.5, not 0.35.
    main = run(block(untouched(gat=[0.1, 0.2, 0.3, 0.8]), parent=[0, 0, 0, 1]))["main"].row(0, named=True)
    assert main["mean"] == pytest.approx(0.5)
    assert (main["parents"], main["signatures"], main["undefined"]) == (2, 4, 0)
    assert main["low"] == pytest.approx(0.2)
    assert main["high"] == pytest.approx(0.8)


def test_undefined_scores_are_counted_and_never_zero():
    main = run(block(untouched(gat=[0.5, NAN, 0.7], zero=[NAN] * 3)))["main"]
    gat, zero = main.filter(model="gat").row(0, named=True), main.filter(model="zero").row(0, named=True)
    assert gat["mean"] == pytest.approx(0.6)
    assert (gat["undefined"], zero["undefined"]) == (1, 3)
    assert zero["mean"] is None
    assert zero["low"] is None
    assert not zero["best"]


def test_kinds_follow_the_roles():
    kinds = dict(
        run(block(untouched(gat=[1, 2], mlp=[1, 2], zero=[1, 2])))["main"].select("model", "kind").iter_rows()
    )
    assert kinds == {"gat": "reference", "mlp": "model", "zero": "control"}


@pytest.mark.parametrize(
    ("metric", "winner"),
    [("pearson", "high"), ("rmse", "low"), ("dispersion", "middle")],
)
def test_the_best_is_the_best_of_the_metrics_direction(metric, winner):
    scores = {"low": [0.1] * 4, "middle": [0.9] * 4, "high": [2.0] * 4}
    main = run(block(untouched(**scores), metric))["main"]
    assert main.filter("best")["model"].to_list() == [winner]


def test_a_model_with_few_defined_scores_is_not_the_best():
    main = run(block(untouched(lucky=[0.9, *[NAN] * 9], steady=[0.2] * 10)))["main"]
    assert main.filter("best")["model"].to_list() == ["steady"]


def paired(shift, n=40, seed=0):
    base = np.random.default_rng(seed).normal(0.3, 0.1, n)
    noise = np.random.default_rng(seed + 1).normal(0, 0.01, n)
    return base, base + shift + noise


@pytest.mark.parametrize(
    ("metric", "shift", "better"),
    [("pearson", 0.1, "mlp"), ("pearson", -0.1, "gat"), ("rmse", 0.1, "gat"), ("rmse", -0.1, "mlp")],
)
def test_a_comparison_names_the_better_model(metric, shift, better):
    gat, mlp = paired(shift)
    row = run(block(untouched(gat=gat, mlp=mlp), metric))["comparisons"].row(0, named=True)
    assert row["difference"] == pytest.approx((gat - mlp).mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["better"] == better


def test_a_difference_that_is_noise_has_no_winner():
    rng = np.random.default_rng(5)
    row = run(block(untouched(gat=rng.normal(size=40), mlp=rng.normal(size=40))))["comparisons"].row(
        0, named=True
    )
    assert row["better"] == "neither"


def test_a_metric_that_should_be_near_a_value_is_compared_by_distance():
    models = untouched(gat=[0.9, 0.9, 0.9] * 10, mlp=[1.3, 1.3, 1.3] * 10)
    row = run(block(models, "dispersion"), headline=("dispersion",))["comparisons"].row(0, named=True)
    assert row["difference"] == pytest.approx(0.1 - 0.3)
    assert row["better"] == "gat"


def test_only_signatures_that_both_have_a_value_for_are_compared():
    row = run(block(untouched(gat=[0.5, 0.6, NAN], mlp=[NAN, 0.5, 0.1])))["comparisons"].row(0, named=True)
    assert (row["difference"], row["paired_signatures"]) == (pytest.approx(0.1), 1)
    nothing = run(block(untouched(gat=[0.5, NAN], zero=[NAN, NAN])))["comparisons"].row(0, named=True)
    assert (nothing["difference"], nothing["p"], nothing["q"], nothing["better"]) == (None,) * 4


def test_q_is_benjamini_hochberg_over_the_whole_table():
    gat, mlp = paired(0.003)
    noise = np.random.default_rng(9).normal(0.3, 0.1, 40)
    found = run(block(untouched(gat=gat, mlp=mlp, other=noise)), block(untouched(gat=gat, mlp=noise), "rmse"))
    table = found["comparisons"].sort("p", descending=True)
    p, n, smallest, expected = table["p"].to_list(), table.height, 1.0, []
    for at, value in enumerate(p):
        smallest = min(smallest, value * n / (n - at))
        expected.append(smallest)
    assert n == 3
    np.testing.assert_allclose(table["q"], expected)


def test_an_ablation_is_compared_with_its_untouched_self():
    base, worse = paired(-0.1)
    columns = {("gat", "none", 1): base, ("gat", "shuffle_edges", 1): worse, ("mlp", "none", 1): base}
    table = run(block(columns))["ablations"]
    assert table["ablation"].to_list() == ["none", "shuffle_edges"]
    head, row = table.iter_rows(named=True)
    assert (head["difference"], head["q"], head["better"]) == (None, None, None)
    assert row["difference"] == pytest.approx((worse - base).mean())
    assert row["better"] == "none"


def test_strata_split_the_rows_at_their_bounds():
    strata = {
        "similarity": [0.0, 0.2, 0.95, 1.0],
        "active": [0, 9, 10, 500],
        "has_target": [True, False, False, False],
        "cell": ["X", "Y", "Y", "Y"],
    }
    table = run(block(untouched(gat=[0.1, 0.2, 0.3, 0.4]), **strata))["strata"]
    found = {
        stratum: [tuple(row) for row in table.filter(stratum=stratum).select("level", "mean").iter_rows()]
        for stratum in ("similarity", "activity", "target", "cell")
    }
    assert found["similarity"] == [("0–0.2", 0.1), ("0.2–0.3", 0.2), ("0.8–1", 0.3), ("1", 0.4)]
    assert found["activity"] == [("0–9", pytest.approx(0.15)), ("10–24", 0.3), ("≥ 200", 0.4)]
    assert found["target"] == [("target in the graph", 0.1), ("no target in the graph", pytest.approx(0.3))]
    assert found["cell"] == [("X", 0.1), ("Y", pytest.approx(0.3))]
    for rows in (table.filter(stratum=stratum) for stratum in found):
        assert rows["signatures"].sum() == 4


def test_every_run_has_a_row_of_its_own():
    columns = {("gat", "none", 1): [0.1, 0.2, 0.3, NAN], ("gat", "none", 2): [0.5, 0.6, 0.7, NAN]}
    table = run(block(columns, parent=[0, 1, 0, 1]))["folds"]
    found = {
        (row["fold"], row["seed"]): (row["mean"], row["signatures"]) for row in table.iter_rows(named=True)
    }
    assert found == {
        (0, 1): (pytest.approx(0.2), 2),
        (1, 1): (pytest.approx(0.2), 1),
        (0, 2): (pytest.approx(0.6), 2),
        (1, 2): (pytest.approx(0.6), 1),
    }


def test_a_row_does_not_depend_on_what_else_is_in_the_table():
    gat, mlp = paired(0.01)
    alone = run(block(untouched(gat=gat)))["main"].filter(model="gat")
    beside = run(block(untouched(gat=gat, mlp=mlp)), block(untouched(gat=mlp), "rmse"))["main"]
    columns = ["mean", "low", "high"]
    assert alone.select(columns).equals(beside.filter(model="gat", metric="pearson").select(columns))
    other = run(block(untouched(gat=gat)), seed=2)["main"].filter(model="gat")
    assert alone["low"][0] != other["low"][0]


def test_an_unknown_metric_is_told():
    with pytest.raises(InputError, match="metric 'made_up' is not one of"):
        run(block(untouched(gat=[1.0]), "made_up"))
