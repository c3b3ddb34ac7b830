"""benchmarks/calibrate.py: worlds are the workflow's, a finished one is kept, wrong options are one line."""

import importlib
import json
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

ROOT = Path(__file__).parents[2]
OVERLAY = {
    "name": "calibrate",
    "simulation": {
        "drugs": 48, "scaffolds": 16, "cells": 3, "genes": 1100, "pathways": 8, "planted_pathways": 4,
        "targets_per_pathway": 20, "processes": 10, "diseases": 15, "other_drugs": 10,
    },
    "splits": ["scaffold"],
    "models": ["mean_per_cell", "graph_kernel"],
    "ablations": {"graph_kernel": ["shuffle_edges"], "gat": []},
    "metrics": ["pearson"],
    "report": {"reference": "graph_kernel", "headline": ["pearson"], "drawn": ["pearson"], "resamples": 200},
}  # fmt: skip


@pytest.fixture(scope="module")
def calibrate():
    """Import the benchmark, which imports its neighbour `world`."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("calibrate")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    path = tmp_path_factory.mktemp("calibrate") / "tiny.yaml"
    path.write_text(yaml.safe_dump(OVERLAY))
    return path


@pytest.fixture(scope="module")
def out(calibrate, overlay, tmp_path_factory):
    """Make a world at each end."""
    out = tmp_path_factory.mktemp("calibrate") / "out"
    calibrate.main(["--config", str(overlay), "--worlds", "1", "--out", str(out)])
    return out


@pytest.fixture
def refused(calibrate, capsys):
    """Call the command with arguments that it refuses; return what it prints."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            calibrate.main(list(map(str, arguments)))
        assert ended.value.code in (1, 2)
        return capsys.readouterr().err

    return call


def test_writes_worlds_tables_and_figure(out):
    assert sorted(path.name for path in (out / "worlds").iterdir()) == [
        "signal0_seed1001.json",
        "signal1_seed1001.json",
    ]
    contests = pl.read_csv(out / "contests.csv")
    assert contests.select("kg_signal", "seed", "model", "rival").rows() == [
        (signal, 1001, "graph_kernel", rival)
        for signal in (0.0, 1.0)
        for rival in ("mean_per_cell", "shuffle_edges")
    ]
    assert contests["difference"].is_not_null().all()
    assert "-0.0," not in (out / "contests.csv").read_text()  # equal models differ by 0
    scores = pl.read_csv(out / "scores.csv")
    assert scores.group_by("kg_signal").len()["len"].to_list() == [3, 3]
    assert pl.read_csv(out / "rates.csv")["worlds"].to_list() == [1] * 4
    for name in ("calibration.svg", "calibration.png"):
        assert (out / name).stat().st_size > 1000
    assert not list(out.glob("work/*")) and not list(out.rglob(".*partial*"))


def test_only_a_missing_world_is_made(calibrate, overlay, out, capsys, monkeypatch):
    kept, missing = (out / f"worlds/signal{signal}_seed1001.json" for signal in (0, 1))
    before, tables = {path: path.read_bytes() for path in (kept, missing)}, (out / "rates.csv").read_bytes()
    changed = kept.stat().st_mtime_ns
    missing.unlink()
    # What a killed run left of this world is removed.
    (out / "work" / missing.stem).mkdir(parents=True)
    (out / "work" / missing.stem / "scores.parquet").write_text("half")
    calibrate.main(["--config", str(overlay), "--worlds", "1", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "signal1_seed1001: " in printed and "signal0_seed1001: " not in printed
    assert kept.stat().st_mtime_ns == changed
    untimed = [json.loads(content) for content in (before[missing], missing.read_bytes())]
    for world in untimed:
        del world["seconds"], world["seconds_total"]
    assert untimed[0] == untimed[1]
    assert (out / "rates.csv").read_bytes() == tables

    def never(*_):
        raise AssertionError("a finished world was made again")

    monkeypatch.setattr(calibrate, "measure", never)
    calibrate.main(["--config", str(overlay), "--worlds", "1", "--out", str(out)])


def test_a_finished_world_of_another_config_is_refused(refused, out, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(OVERLAY | {"validation": 0.2}))
    printed = refused("--config", other, "--worlds", 1, "--out", out)
    assert printed.startswith(
        f"error: {out}/worlds/signal0_seed1001.json: was made with another config (validation)"
    )
    assert len(printed.splitlines()) == 1


def test_a_damaged_world_is_named(refused, overlay, tmp_path):
    path = tmp_path / "worlds/signal0_seed1001.json"
    path.parent.mkdir()
    path.write_text('{"config"')
    printed = refused("--config", overlay, "--worlds", 1, "--out", tmp_path)
    assert printed.startswith(f"error: {path}: is not a finished world (") and "delete it" in printed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ablations": {"graph_kernel": []}}, "ablations.graph_kernel: must hold 'shuffle_edges'"),
        ({"splits": ["random", "scaffold"]}, "must be one split"),
        (
            {"metrics": ["rmse"], "report": OVERLAY["report"] | {"headline": ["rmse"]}},
            "higher must be better",
        ),
        ({"train_share": [0.5, 1]}, "train_share: [0.5, 1] must be [1]"),
        ({"source": "files"}, "files.kg: not given"),
        ({"modles": []}, "unknown key 'modles'"),
    ],
)
def test_a_config_that_cannot_be_counted_is_refused(refused, tmp_path, change, said):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(OVERLAY | change))
    printed = refused("--config", path, "--out", tmp_path)
    assert said in printed and len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--signals", "1.5"], "kg_signal"),
        (["--worlds", "0"], "--worlds must be at least 1"),
        (["--first-seed", "-1"], "--first-seed must be at least 0"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_wrong_options_are_refused(refused, overlay, tmp_path, arguments, said):
    printed = refused("--config", overlay, "--out", tmp_path, *arguments)
    assert said in printed.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_world_has_the_scores_of_the_workflow(calibrate, overlay, project, tmp_path):
    copy = project("calibrate_run", elsewhere=True)
    copy.run(
        "--cores", "1", "results/calibrate/scores.parquet",
        "--configfile", str(overlay), "--config", "seed=1001",
    )  # fmt: skip
    wanted = pl.read_parquet(copy.work / "results/calibrate/scores.parquet")
    config = calibrate.read_config(overlay) | {"seed": 1001}
    found = calibrate.World(config, tmp_path).run().scores
    assert found.height > 0
    assert found.equals(wanted)
