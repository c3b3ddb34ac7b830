"""The verdict states what the numbers show, and no more."""

import polars as pl
import pytest
from reports import choices_of

from perturbkg.report.verdict import judge


def row(difference, better, q=0.01, **names):
    numbers = {"difference_low": difference - 0.01, "difference_high": difference + 0.02}
    return {
        "split": "scaffold",
        "metric": "pearson",
        "difference": difference,
        "better": better,
        "q": q,
        **numbers,
    } | names


def found(
    against_mlp=None,
    rewired=None,
    *,
    diffusion=None,
    control=None,
    metric="pearson",
    seeds=1,
    headline=(),
    **choices,
):
    """Judge tables with the given outcome of each comparison (the name of the better one); None: not run."""
    size = {"neither": 0.001}
    comparisons = [
        row(
            size.get(better, 0.03 if better == "gat" else -0.03),
            better,
            reference="gat",
            other=other,
            metric=metric,
        )
        for other, better in (("mlp", against_mlp), ("propagation", diffusion), ("mean_per_cell", control))
        if better
    ]
    ablations = [
        row(
            size.get(better, -0.04 if better == "none" else 0.04),
            better,
            model="gat",
            ablation="shuffle_edges",
            metric=metric,
        )
        for better in (rewired,)
        if better
    ]
    main = pl.DataFrame(
        {
            "split": "scaffold",
            "metric": metric,
            "model": ["gat", "mean", "mean_per_cell", "zero"],
            "kind": ["reference", "control", "control", "control"],
            "mean": [0.33, 0.2, 0.29, None],
            "seeds": seeds,
        }
    )
    blank = [row(0.0, "neither", None, reference="gat", other="gat", model="gat", ablation="none")]
    return judge(
        main,
        pl.DataFrame(comparisons + blank),
        pl.DataFrame(ablations + blank),
        choices_of(metrics=[metric], headline=headline or [metric], **choices),
    )


@pytest.mark.parametrize(
    ("against_mlp", "rewired", "answer"),
    [
        ("gat", "none", "yes"),
        ("gat", "neither", "no"),
        ("neither", "none", "no"),
        ("neither", "neither", "no"),
        ("mlp", "none", "no"),
        ("gat", "shuffle_edges", "no"),
        ("gat", None, "open"),
        (None, "none", "open"),
    ],
)
def test_yes_needs_both_the_mlp_and_the_rewired_model_to_be_beaten(against_mlp, rewired, answer):
    verdict = found(against_mlp, rewired)
    assert verdict["splits"][0]["answer"] == answer
    assert (verdict["answer"] == "scaffold: yes.") == (answer == "yes")


def test_a_loss_is_reported_as_a_loss():
    sentences = " ".join(
        found("mlp", "neither", diffusion="propagation", control="mean_per_cell")["splits"][0]["sentences"]
    )
    assert (
        "gat is worse than mlp, which sees no graph (difference in pearson −0.030 [−0.040, −0.010]"
        in sentences
    )
    assert "gat is worse than propagation" in sentences
    assert "gat is worse than mean_per_cell, the best trivial control" in sentences
    assert "So nothing shows that the graph helps here." in sentences


def test_the_rewired_difference_changes_sign_with_its_interval():
    # The table holds ablated - untouched: -0.04 [-0.05, -0.02].
    contest = found("gat", "none")["splits"][0]["contests"][1]
    assert contest["outcome"] == "better"
    assert (contest["difference"], contest["low"], contest["high"]) == pytest.approx((0.04, 0.02, 0.05))


def test_using_the_edges_without_being_better_is_reported():
    sentences = found("neither", "none")["splits"][0]["sentences"]
    assert "No difference was found between gat and mlp, which sees no graph" in sentences[0]
    assert sentences[2] == "So gat uses the edges, but is not shown to be better than a model without them."


def test_what_was_not_run_is_reported():
    verdict = found("gat", None)
    assert "Not compared: gat with itself retrained under shuffle_edges." in verdict["splits"][0]["sentences"]
    assert verdict["answer"] == "scaffold: cannot be answered from what was run."


def test_the_best_control_depends_on_the_direction_of_the_metric():
    assert found("gat", "none", control="gat")["splits"][0]["contests"][3]["rival"] == "mean_per_cell"
    assert found("gat", "none", metric="rmse")["splits"][0]["contests"][3]["rival"] == "mean"


def test_the_number_of_seeds_is_stated():
    assert "One seed per model" in found("gat", "none")["caveat"]
    assert "averaged over 3 seeds" in found("gat", "none", seeds=3)["caveat"]


def test_a_model_with_two_roles_is_one_rival():
    verdict = found("gat", "none", control="gat", without_graph="mean_per_cell")
    assert [contest["rival"] for contest in verdict["splits"][0]["contests"]] == [
        *("mean_per_cell", "shuffle_edges", "propagation")
    ]


def test_headline_metrics_that_were_not_computed_are_named():
    caveat = found("gat", "none", headline=["retrieval", "pearson"])["caveat"]
    assert caveat.endswith("Headline metrics that this run did not compute: retrieval.")


def test_all_other_models_are_named_that_are_not_worse():
    first = found("gat", "none", diffusion="propagation", control="neither")["splits"][0]["sentences"]
    assert (
        "Of 3 other models, better than gat: propagation; no difference was found to mean_per_cell." in first
    )
    second = found("gat", "none", diffusion="gat", control="gat")["splits"][0]["sentences"]
    assert "Of 3 other models, none is better than gat." in second
