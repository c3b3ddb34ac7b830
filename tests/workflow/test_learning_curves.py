"""benchmarks/learning_curves.py: a share is what the workflow would train on, and a finished run is kept."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark():
    """Import the benchmark, which imports its neighbour `world`."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("learning_curves")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def run(benchmark, out):
    models, shares = ("mean_per_cell", "kernel"), ("0.5", "1")
    benchmark.main(
        ["--drugs", "48", "--cells", "3", "--models", *models, "--shares", *shares, "--out", str(out)]
    )
    return json.loads((out / "curve.json").read_text())


@pytest.fixture(scope="module")
def out(benchmark, tmp_path_factory):
    """Make a small world, and train two models on two shares of one fold."""
    out = tmp_path_factory.mktemp("curves")
    run(benchmark, out)
    return out


def test_a_finished_run_is_not_made_again(benchmark, out):
    files = [*out.glob("runs/*.parquet"), out / "signatures.h5ad"]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) == 5
    found = run(benchmark, out)
    assert {path: path.stat().st_mtime_ns for path in files} == before
    curve = pl.DataFrame(found["curve"]).filter(metric="pearson", model="kernel").sort("share")
    assert curve["share"].to_list() == [0.5, 1.0]
    assert curve["drugs"][0] < curve["drugs"][1]


def test_means_and_differences_are_those_of_the_scores(benchmark, out):
    found = run(benchmark, out)
    parents = pl.read_parquet(out / "drugs.parquet").select("drug", "parent")
    named = benchmark.read_signatures(out / "signatures.h5ad", pl.read_parquet(out / "drugs.parquet"))
    assert set(named["parent"]) <= set(parents["parent"])
    scores = {
        model: pl.read_parquet(out / f"runs/fold0.share0.5.{model}.seed1.parquet")
        .filter(metric="pearson")
        .join(named, on="signature")
        .group_by("parent")
        .agg(pl.col("value").mean())
        .sort("parent")["value"]
        .to_numpy()
        for model in ("mean_per_cell", "kernel")
    }
    curve = {
        row["model"]: row["mean"]
        for row in found["curve"]
        if (row["share"], row["metric"]) == (0.5, "pearson")
    }
    for model, values in scores.items():
        assert curve[model] == pytest.approx(values.mean())
    (row,) = [row for row in found["differences"] if (row["share"], row["metric"]) == (0.5, "pearson")]
    assert (row["model"], row["minus"]) == ("mean_per_cell", "kernel")
    assert row["difference"] == pytest.approx(np.mean(scores["mean_per_cell"] - scores["kernel"]))


def test_several_runs_are_drawn_beside_each_other(benchmark, out, tmp_path):
    run(benchmark, out)
    benchmark.main(["--draw", f"one={out}", f"other={out}", "--out", str(tmp_path / "both.svg")])
    text = (tmp_path / "both.svg").read_text()
    assert ">one (n = " in text and ">other (n = " in text
