"""A real run that trains on all doses and times and tests at one."""

import json
from pathlib import Path

import polars as pl
import pytest

from perturbkg.io.matrices import read_labels

SMALL = ("--configfile", str(Path(__file__).parents[2] / "config/test.yaml"), "conditions.yaml")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(project):
    copy = project("conditions")
    (copy.folder / "conditions.yaml").write_text(
        "simulation: {other_conditions: 1}\n"
        "filters: {dose_um: null, time_h: null}\n"
        "evaluate: {dose_um: 10, time_h: 24}\n"
        "models: [mean_per_cell, ridge]\n"
        "ablations: {}\n"
        "report: {reference: ridge}\n"
        "metrics: [pearson, rmse]\n"
        "encoders: {drug: [], gene/protein: [], disease: [], pathway: [], biological_process: []}\n"
    )
    copy.run("--cores", "2", *SMALL)
    return copy.folder / "results/test"


def signatures_of(results: Path, fold: int) -> pl.DataFrame:
    obs, _ = read_labels(results / "signatures.h5ad")
    parts = pl.read_parquet(results / f"splits/scaffold/fold{fold}.parquet")
    parents = pl.read_parquet(results / "drugs.parquet").select("drug", "parent")
    return obs.join(parts, on="signature", maintain_order="left").join(parents, on="drug")


def test_all_train_and_the_condition_is_tested(finished):
    for fold in (0, 1):
        table = signatures_of(finished, fold)
        tested, train = table.filter(part="test"), table.filter(part="train")
        assert tested.select("dose_um", "time_h").unique().rows() == [(10, 24)]
        assert train["dose_um"].n_unique() > 1 and train["time_h"].n_unique() > 1
        of_test = table.filter(pl.col("part").is_in(["test", "left_out"]))["parent"]
        assert not set(of_test) & set(table.filter(pl.col("part").is_in(["train", "validation"]))["parent"])
        manifest = json.loads((finished / f"splits/scaffold/fold{fold}.manifest.json").read_text())
        assert manifest["evaluate"]["signatures"]["test"] == manifest["signatures"]["test"] == len(tested)
        assert sum(manifest["evaluate"]["left_out"].values()) == manifest["signatures"]["left_out"] > 0


def test_scores_and_report_are_of_the_condition(finished):
    tested = {
        signature
        for fold in (0, 1)
        for signature in signatures_of(finished, fold).filter(part="test")["signature"]
    }
    assert set(pl.read_parquet(finished / "scores.parquet")["signature"].cast(pl.String)) == tested
    main = pl.read_csv(finished / "tables/main.csv").filter(metric="pearson")
    assert dict(main.select("model", "conditions").iter_rows()) == {
        "mean_per_cell": "ignored",
        "ridge": "read",
    }
