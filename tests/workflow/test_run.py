"""The whole DAG for real, from another folder and as a module: what it makes, and which edits rerun it."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest
import yaml
from examples import code_block
from typer.testing import CliRunner

from perturbkg import cli

ROOT = Path(__file__).parents[2]
SMALL = ("--configfile", str(ROOT / "config/test.yaml"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(project):
    """Run all of the test config once, from a folder without any file of the project."""
    copy = project("whole_run", elsewhere=True)
    copy.run("--cores", "2", *SMALL)
    return copy


def table_bytes(folder):
    """Return every table and figure that must be the same to the byte (resources holds seconds)."""
    found = sorted([*folder.glob("tables/*"), *folder.glob("figures/*.svg"), folder / "scores.parquet"])
    assert len(found) > 10
    return {path.name: path.read_bytes() for path in found if not path.name.startswith("resources")}


def test_a_run_makes_all_outputs_of_the_design(finished):
    results = finished.work / "results/test"
    for name in (
        "kg/nodes.parquet",
        "kg/edges.parquet",
        "signatures.h5ad",
        "drugs.parquet",
        "cells.parquet",
        "baseline.h5ad",
        "graph/graph.npz",
        "graph/nodes.parquet",
        "scores.parquet",
        "report.html",
        "run.json",
    ):
        assert (results / name).stat().st_size > 0, name
    run = json.loads((results / "run.json").read_text())
    assert run["config"]["name"] == "test"
    assert run["versions"]["torch"]
    assert all(len(digest) == 64 for digest in run["inputs"].values())
    assert not list(results.rglob(".*partial*"))


def test_every_model_ablation_and_metric_is_scored_on_every_test_signature(finished):
    config = json.loads((finished.work / "results/test/run.json").read_text())["config"]
    scores = pl.read_parquet(finished.work / "results/test/scores.parquet")
    runs = scores.select("split", "fold", "model", "ablation", "seed").unique()
    ablated = sum(len(names) for names in config["ablations"].values())
    assert runs.height == len(config["splits"]) * config["folds"] * (len(config["models"]) + ablated) * len(
        config["seeds"]
    )
    counts = scores.group_by("split", "fold", "model", "ablation", "seed", "metric").agg(n=pl.len())
    assert counts.group_by("split", "fold").agg(pl.col("n").n_unique())["n"].to_list() == [1] * (
        len(config["splits"]) * config["folds"]
    )
    assert scores.filter(pl.col("value").is_null() & pl.col("reason").is_null()).is_empty()
    assert scores.filter(pl.col("value").is_nan()).is_empty()


def test_the_command_scores_a_run_to_the_bit_as_the_workflow_does(finished, tmp_path):
    results, output = finished.work / "results/test", tmp_path / "scores.parquet"
    known = pl.read_parquet(results / "scores.parquet").cast({pl.Categorical: pl.String})
    run = known.filter(fold=0, ablation="none").sort("split", "model", "seed").row(-1, named=True)
    identity = {key: run[key] for key in ("split", "fold", "model", "ablation", "seed")}
    folder = results / "runs/{split}/fold{fold}/{model}/{ablation}/seed{seed}".format(**identity)
    arguments = {
        "truth": results / "signatures.h5ad",
        "prediction": folder / "prediction.h5ad",
        "split-file": results / f"splits/{run['split']}/fold0.parquet",
        "output": output,
    }
    options = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    done = CliRunner().invoke(cli.app, ["score", *options])
    assert done.exit_code == 0, done.exception
    assert "95 % interval over parents" in done.output
    columns = ["signature", "metric", "value", "reason"]
    found = pl.read_parquet(output).cast({pl.Categorical: pl.String}).sort("signature", "metric")
    wanted = known.filter(**identity).select(columns).sort("signature", "metric")
    assert len(wanted) > 0
    found = found.filter(pl.col("metric").is_in(wanted["metric"].unique().to_list()))
    assert found.sort("metric", "signature").equals(wanted.sort("metric", "signature"))


def test_no_parent_is_shared_by_training_and_test_in_the_scaffold_split(finished):
    for path in (finished.work / "results/test/splits/scaffold").glob("*.manifest.json"):
        assert json.loads(path.read_text())["parents_shared"] == 0


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run("--cores", "1", *SMALL)


def planned_after_an_edit(finished, name, edit="\n# an edit\n"):
    """Return rule -> wildcards of the jobs that an edit of a package file reruns, and the printed plan."""
    path = finished.folder / "src/perturbkg" / name
    before = path.read_text()
    path.write_text(before + edit)
    try:
        printed = finished.run("--dry-run", *SMALL)
    finally:
        path.write_text(before)
    by_rule = {}
    for rule, *wildcards in finished.jobs(printed):
        by_rule.setdefault(rule, []).append(wildcards)
    return by_rule, printed


def test_editing_the_gat_reruns_its_jobs_and_nothing_else(finished):
    by_rule, printed = planned_after_an_edit(finished, "models/gat.py")
    assert set(by_rule) == {
        "train_model",
        "score_predictions",
        "collect_scores",
        "make_tables",
        "make_figures",
        "make_report",
        "all",
    }
    assert len(by_rule["train_model"]) == 8  # 2 folds x (none and 3 ablations)
    assert all("model=gat" in wildcards for wildcards in by_rule["train_model"])
    assert len(by_rule["score_predictions"]) == 2  # all runs of a fold in one job
    assert printed.count("reason: Params have changed since last execution") == 8


def test_editing_an_ablation_reruns_its_jobs_and_nothing_else(finished):
    by_rule, _ = planned_after_an_edit(finished, "ablations/no_graph.py")
    assert len(by_rule["train_model"]) == 2
    assert all("ablation=no_graph" in wildcards for wildcards in by_rule["train_model"])


def test_editing_a_template_of_the_report_reruns_only_the_report(finished):
    by_rule, _ = planned_after_an_edit(finished, "report/templates/report.css", "/* an edit */")
    assert set(by_rule) == {"make_report", "all"}


def test_changing_a_model_option_reruns_that_model(finished):
    overlay = finished.work / "overlay.yaml"
    overlay.write_text("model_options: {nearest_drugs: {neighbours: 3}}\n")
    planned = finished.planned(*SMALL, "overlay.yaml")
    trained = [wildcards for rule, *wildcards in planned if rule == "train_model"]
    assert len(trained) == 2
    assert all("model=nearest_drugs" in wildcards for wildcards in trained)


def test_neural_models_request_a_gpu_if_configured(finished):
    (finished.work / "gpu.yaml").write_text("gpu: {train: 1}\n")
    printed = finished.run("--dry-run", "--forcerun", "train_model", *SMALL, "gpu.yaml")
    requested: dict[str, set[str]] = {}
    for job in re.split(r"\n(?=(?:local)?rule )", printed):
        if job.startswith("rule train_model"):
            model, gpus = re.search(r"model=(\w+)", job), re.search(r"gpu=(\d)", job)
            requested.setdefault(gpus.group(1), set()).add(model.group(1))
    kernels = {"kernel", "graph_kernel"}
    assert requested["0"] == kernels | {"zero", "mean", "mean_per_cell", "nearest_drugs", "ridge"}
    assert requested["1"] == {"mlp", "mlp_no_drug", "propagation", "full_graph_gat", "gat"}


def test_a_module_killed_on_one_core_and_started_again_makes_the_same_tables(finished, project):
    """Run the module example of config/README.md with the test config."""
    again = project("killed_run", elsewhere=True)
    example = code_block(ROOT / "config/README.md", "module perturbkg:")
    again.snakefile = again.work / "Snakefile"
    again.snakefile.write_text(example.replace("path/to/perturbkg", str(again.folder)))
    (again.work / "config").mkdir()
    small = yaml.safe_load((ROOT / "config/test.yaml").read_text())
    (again.work / "config/config.yaml").write_text(yaml.safe_dump({"perturbkg": small}))
    results = again.work / "benchmark/results/test"
    process = subprocess.Popen(
        again.command("--cores", "1"),
        cwd=again.work,
        env=again.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline and not list(results.glob("runs/**/run.json")):
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made_before = len(list(results.glob("runs/**/run.json")))
    assert made_before > 0
    assert not (results / "report.html").exists()
    again.run("--unlock")
    again.run("--cores", "1", "--rerun-incomplete")
    assert table_bytes(results) == table_bytes(finished.work / "results/test")
    assert not (again.work / "results").exists()
    assert "Nothing to be done" in again.run("--cores", "1")
