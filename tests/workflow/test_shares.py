"""A real run on two shares of the training groups: what is trained on what, and what the report shows."""

from pathlib import Path

import polars as pl
import pytest

SMALL = ("--configfile", str(Path(__file__).parents[2] / "config/test.yaml"), "shares.yaml")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(project):
    copy = project("shares")
    (copy.folder / "shares.yaml").write_text(
        "train_share: [0.5, 1]\n"
        "models: [mean_per_cell, ridge]\n"
        "ablations: {ridge: [no_targets]}\n"
        "report: {reference: ridge}\n"
        "metrics: [pearson, rmse]\n"
        "encoders: {drug: [], gene/protein: [], disease: [], pathway: [], biological_process: []}\n"
    )
    copy.run("--cores", "2", *SMALL)
    return copy


def test_models_are_trained_on_each_share_and_ablations_on_all(finished):
    runs = pl.read_parquet(finished.folder / "results/test/runs.parquet")
    found = runs.filter(fold=0).select("model", "ablation", "share").sort(pl.all()).rows()
    assert found == [
        ("mean_per_cell", "none", 0.5),
        ("mean_per_cell", "none", 1.0),
        ("ridge", "no_targets", 1.0),
        ("ridge", "none", 0.5),
        ("ridge", "none", 1.0),
    ]
    results = finished.folder / "results/test/runs/scaffold/fold0/ridge/none"
    assert (results / "seed1/prediction.h5ad").is_file()  # a path that does not depend on other shares
    assert (results / "share0.5/seed1/prediction.h5ad").is_file()


def test_a_share_has_fewer_drugs_of_the_same_fold_and_is_tested_on_the_same(finished):
    results = finished.folder / "results/test"
    whole, half = (
        pl.read_parquet(results / f"splits/scaffold/fold0{share}.parquet")["part"]
        for share in ("", "/share0.5")
    )
    for part in ("validation", "test"):
        assert (whole == part).equals(half == part)
    assert 0 < (half == "train").sum() < (whole == "train").sum()
    assert not ((half == "train") & (whole != "train")).any()
    runs = pl.read_parquet(results / "runs.parquet").filter(fold=0, model="mean_per_cell").sort("share")
    assert runs["drugs"][0] < runs["drugs"][1]
    scores = pl.read_parquet(results / "scores.parquet").filter(pl.col("metric") == "pearson")
    assert scores.group_by("share", "model", "ablation").len()["len"].n_unique() == 1


def test_the_report_draws_the_curve_and_compares_on_all_groups_alone(finished):
    results = finished.folder / "results/test"
    curve = pl.read_csv(results / "tables/learning_curve.csv")
    assert curve["share"].unique().sort().to_list() == [0.5, 1.0]
    main = pl.read_csv(results / "tables/main.csv")
    scores = pl.read_parquet(results / "scores.parquet")
    tested = scores.filter(pl.col("metric") == "rmse", share=1.0, fold=0)["signature"].n_unique()
    tested += scores.filter(pl.col("metric") == "rmse", share=1.0, fold=1)["signature"].n_unique()
    assert main.filter(metric="rmse", model="ridge")["signatures"].to_list() == [tested]
    assert 'id="learning"' in (results / "report.html").read_text()


def test_one_more_share_trains_nothing_again(finished):
    (finished.folder / "more.yaml").write_text("train_share: [0.25, 0.5, 1]\n")
    planned = finished.planned(*SMALL, "more.yaml")
    trained = [wildcards for rule, *wildcards in planned if rule == "train_model"]
    assert len(trained) == 4 and all("share=/share0.25" in wildcards for wildcards in trained)
    taken = [wildcards for rule, *wildcards in planned if rule == "take_share"]
    assert len(taken) == 2 and all("part=0.25" in wildcards for wildcards in taken)
    assert "make_split" not in {rule for rule, *_ in planned}


def test_a_share_without_a_group_is_one_line(finished):
    (finished.folder / "none.yaml").write_text("train_share: [0.001, 1]\n")
    printed = finished.run("--cores", "1", *SMALL, "none.yaml", status=1)
    assert "train_share: 0.001 of" in printed and "is not a whole one" in printed
    assert "Traceback" not in printed
