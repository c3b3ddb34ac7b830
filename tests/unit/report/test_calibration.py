"""Contests are the report's own; rates over worlds are counted as by hand."""

import dataclasses

import polars as pl
import pytest
from reports import choices_of

from perturbkg.report import calibration
from perturbkg.report.estimates import Estimator
from perturbkg.report.results import read_results
from perturbkg.report.tables.ablations import Ablations
from perturbkg.report.tables.comparisons import Comparisons

CHOICES = choices_of()
INPUTS = (
    "scores", "runs", "signatures", "drugs", "matches", "test_drugs", "manifests", "folds", "counts",
    "exclusions",
)  # fmt: skip


@pytest.fixture(scope="module")
def results(raw_results):
    """Read the fabricated results, and keep one split."""
    chosen = dataclasses.replace(CHOICES, headline=("pearson",), drawn=("pearson",))
    made = {name: raw_results[name] for name in INPUTS}
    found = read_results(**made, choices=chosen, estimator=Estimator(200, 1))
    return dataclasses.replace(found, scores=found.scores.filter(pl.col("split") == "scaffold"))


def contest(signal, seed, rival, difference, *, q=0.01, half=0.01):
    return {
        "kg_signal": float(signal), "seed": seed, "model": "gat", "rival": rival, "difference": difference,
        "low": difference - half, "high": difference + half, "p": q, "q": q,
    }  # fmt: skip


def test_contests_are_the_numbers_of_the_reports_tables(results):
    found = {row["rival"]: row for row in calibration.contests(results, "gat")}
    assert set(found) == {"mlp", "propagation", "mean_per_cell", "zero", "shuffle_edges"}
    for row in Comparisons().make(results).iter_rows(named=True):
        of = found[row["other"]]
        assert [of["difference"], of["low"], of["high"], of["p"], of["q"]] == [
            row[name] for name in ("difference", "difference_low", "difference_high", "p", "q")
        ]
    row = Ablations().make(results).filter(ablation="shuffle_edges").row(0, named=True)
    of = found["shuffle_edges"]
    assert [of["difference"], of["low"], of["high"]] == [
        -row["difference"], -row["difference_high"], -row["difference_low"]
    ]  # fmt: skip
    assert (of["p"], of["q"]) == (row["p"], row["q"])
    assert of["low"] < of["difference"] < of["high"]


def test_a_contest_without_a_value_is_null(results):
    found = {row["rival"]: row for row in calibration.contests(results, "gat")}
    assert [found["zero"][name] for name in ("difference", "low", "high", "p", "q")] == [None] * 5
    frame = pl.DataFrame([found["zero"] | {"kg_signal": 1.0, "seed": 1}], schema=calibration.CONTESTS)
    assert calibration.rates(frame, CHOICES).select("worlds", "ahead", "better", "worse").row(0) == (
        1,
        0,
        0,
        0,
    )


def test_more_than_one_split_is_refused(raw_results, results):
    both = read_results(
        **{name: raw_results[name] for name in INPUTS}, choices=CHOICES, estimator=Estimator(200, 1)
    )
    with pytest.raises(ValueError, match="2 splits; one is counted"):
        calibration.contests(both, "gat")


def test_scores_are_means_over_parents_of_every_run(results):
    found = calibration.scores(results)
    assert {(row["model"], row["ablation"]) for row in found} >= {("gat", "none"), ("gat", "shuffle_edges")}
    assert {row["parents"] for row in found if row["model"] != "zero"} == {36}


def test_rates_count_what_is_declared():
    rows = [
        contest(1, 1, "mlp", 0.05),  # better
        contest(1, 2, "mlp", 0.05, q=0.06),  # ahead, not declared: q
        contest(1, 3, "mlp", 0.05, half=0.06),  # ahead, not declared: the interval holds 0
        contest(1, 4, "mlp", -0.05),  # worse
    ]
    found = calibration.rates(pl.DataFrame(rows, schema=calibration.CONTESTS), CHOICES)
    (row,) = found.iter_rows(named=True)
    counts = {name: row[name] for name in ("worlds", "median", "ahead", "better", "worse")}
    assert counts == {"worlds": 4, "median": 0.05, "ahead": 3, "better": 1, "worse": 1}
    # Clopper and Pearson: the chance of at least (at most) 1 of 4 is 2.5 % at these shares.
    assert 1 - (1 - row["low"]) ** 4 == pytest.approx(0.025)
    assert (1 - row["high"]) ** 4 + 4 * row["high"] * (1 - row["high"]) ** 3 == pytest.approx(0.025)


def test_together_is_better_only_where_every_rival_is_beaten():
    rivals = ("mlp", "propagation", "shuffle_edges")
    rows = [contest(1, 1, rival, 0.05) for rival in rivals]
    rows += [contest(1, 2, rival, 0.05) for rival in rivals[:2]] + [contest(1, 2, rivals[2], -0.05)]
    rows += [contest(1, 3, "mlp", 0.05)]  # a world without the other rivals says nothing of all three
    found = calibration.rates(pl.DataFrame(rows, schema=calibration.CONTESTS), CHOICES)
    row = found.row(by_predicate=pl.col("rival") == calibration.TOGETHER, named=True)
    assert (row["worlds"], row["ahead"], row["better"], row["worse"]) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("signal", "rival", "better", "said"),
    [
        (1, "mlp", 19, "at least 95 %: met"),
        (1, "mlp", 18, "at least 95 %: not met"),
        (1, "all three", 20, "at least 95 %: met"),
        (1, "kernel", 20, ""),
        (0, "shuffle_edges", 1, "at most 5 %: met"),
        (0, "shuffle_edges", 2, "at most 5 %: not met"),
        (0, "mlp", 2, ""),
        (0.7, "mlp", 20, ""),
    ],
)
def test_goals(signal, rival, better, said):
    row = {"kg_signal": float(signal), "rival": rival, "better": better, "worlds": 20}
    assert calibration.goal(row, CHOICES) == said


def test_the_chart_draws_every_world_and_hollows_what_is_not_declared():
    rows = [
        contest(signal, seed, rival, 0.05 * signal, q=0.01 if signal else 0.5)
        for signal in (0, 1)
        for seed in (1, 2, 3)
        for rival in ("mlp", "shuffle_edges", "kernel")
    ]
    drawn = calibration.chart(pl.DataFrame(rows, schema=calibration.CONTESTS), CHOICES).to_dict()
    (values,) = drawn["datasets"].values()
    assert {(row["panel"], row["signal"], row["judged"]) for row in values} == {
        (f"gat minus {rival}", signal, judged)
        for rival in ("mlp", "shuffle_edges")
        for signal, judged in (("0", "neither"), ("1", "better"))
    }
    assert "3 worlds at kg_signal 0 and 3 worlds at kg_signal 1" in drawn["title"]["subtitle"]


def test_models_that_are_counted_are_those_with_a_rewired_self():
    config = {
        "models": ["mlp", "graph_kernel", "gat"],
        "ablations": {
            "gat": ["no_graph"],
            "graph_kernel": ["shuffle_edges"],
            "full_graph_gat": ["shuffle_edges"],
        },
        "report": {"rewired": "shuffle_edges"},
    }
    assert calibration.rewired_models(config) == ["graph_kernel"]
