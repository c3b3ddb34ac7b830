"""The script of the rule: its outputs, and that two runs give equal bytes."""

import importlib
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from perturbkg import plugins, schemas
from perturbkg.errors import InputError
from perturbkg.io.files import read_json
from perturbkg.io.matrices import read_matrix

SCRIPT = Path(__file__).parents[3] / "scripts/train_model.py"
IDENTITY = {
    "dataset": "d",
    "split": "s",
    "fold": 0,
    "model": "m",
    "ablation": "none",
    "share": 1.0,
    "seed": 1,
}


def arguments(files: dict[str, Path], folder: Path, **changed: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "signatures": files["signatures.h5ad"],
        "fold": files["fold.parquet"],
        "drugs": files["drugs.parquet"],
        "targets": files["targets.parquet"],
        "cells": files["cells.parquet"],
        "baseline": files["baseline.h5ad"],
        "graph": files["graph.npz"],
        "graph_nodes": files["graph_nodes.parquet"],
        "features": [files["lincs_drug.morgan"], files["cell_line.baseline"]],
        "fusion": "concatenate",
        "model": "mlp",
        "options": {"epochs": 2, "ensemble": 2, "width": 4},
        "ablation": "none",
        "ablation_options": {},
        "seed": 1,
        "threads": 1,
        "identity": IDENTITY,
        "shared": folder.parent / "shared",
        "prediction": folder / "prediction.h5ad",
        "history": folder / "history.parquet",
        "run": folder / "run.json",
        **changed,
    }


@pytest.fixture(scope="module")
def main() -> Any:
    return runpy.run_path(str(SCRIPT))["main"]


def test_outputs(main: Any, files: dict[str, Path], tmp_path: Path):
    folder = tmp_path / "run"
    main(**arguments(files, folder))
    written = ["history.parquet", "model.json", "model.safetensors", "prediction.h5ad", "run.json"]
    assert sorted(path.name for path in folder.iterdir()) == written
    X, obs, var = read_matrix(folder / "prediction.h5ad")
    assert X.shape == (2, 6)
    assert X.dtype == np.float32
    assert obs.drop("std").rows() == [("S1", "BRD-1", "MCF7"), ("S6", "BRD-4", "A375")]
    assert obs["std"].dtype == pl.Float32 and (obs["std"] > 0).all()
    assert var.columns == ["entrez", "symbol"]
    history = schemas.read(folder / "history.parquet", schemas.History)
    assert history["member"].to_list() == [0, 0, 1, 1]
    assert history["epoch"].to_list() == [1, 2, 1, 2]
    run = read_json(folder / "run.json")
    assert run["identity"] == IDENTITY
    assert list(run["seconds"]) == ["ablate", "fit", "load", "predict"]
    assert run["epochs"] == 4
    assert run["parameters"] == sum(
        np.prod(shape)
        for name, shape in read_json(folder / "model.json")["sizes"].items()
        if name.startswith("member")
    )
    given = {"epochs": 2, "ensemble": 2, "width": 4}
    assert run["options"] == {"model": plugins.options_of("models", "mlp") | given, "ablation": {}}
    assert run["chosen"] == {}
    assert len(run["inputs"]) == 10
    assert {"python", "perturbkg", "torch", "numpy", "dgl"} <= set(run["versions"])
    assert run["peak_memory_mb"] > 10


SMALL = {"epochs": 2, "ensemble": 1, "width": 4}


@pytest.mark.parametrize(
    "chosen",
    [
        {"model": "nearest_drugs", "options": {}},
        {"model": "ridge", "options": {}, "ablation": "random_features"},
        {"model": "propagation", "options": SMALL, "ablation": "shuffle_edges"},
    ],
    ids=lambda chosen: chosen["model"],
)
def test_two_runs_write_equal_bytes(
    main: Any, files: dict[str, Path], tmp_path: Path, chosen: dict[str, Any]
):
    for run in ("first", "second"):
        main(**arguments(files, tmp_path / run, **chosen))
    for name in ("prediction.h5ad", "model.safetensors", "model.json", "history.parquet"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_a_model_without_epochs_has_an_empty_history(main: Any, files: dict[str, Path], tmp_path: Path):
    main(**arguments(files, tmp_path, model="mean", options={}))
    assert schemas.read(tmp_path / "history.parquet", schemas.History).is_empty()
    assert read_json(tmp_path / "run.json")["epochs"] == 0
    _, obs, _ = read_matrix(tmp_path / "prediction.h5ad")
    assert obs.columns == ["signature", "drug", "cell"]  # and it does not say how wrong it is


def test_what_a_model_chose_is_recorded(main: Any, files: dict[str, Path], tmp_path: Path):
    main(**arguments(files, tmp_path, model="ridge", options={"penalties": [2.0]}))
    seen = schemas.read(files["fold.parquet"], schemas.Fold)["part"].is_in(["train", "validation"]).sum()
    assert read_json(tmp_path / "run.json")["chosen"] == {
        "refit": f"training + validation, {seen} signatures",
        "penalty": "2",
    }


def test_changes_by_an_ablation_are_recorded(main: Any, files: dict[str, Path], tmp_path: Path):
    main(**arguments(files, tmp_path, model="mean", options={}, ablation="random_features"))
    ablation = read_json(tmp_path / "run.json")["ablation"]
    assert ablation["name"] == "random_features"
    assert ablation["notes"]["nodes_replaced"]["lincs_drug"] == 4


def test_a_bad_option_is_reported_before_anything_is_read(main: Any, files: dict[str, Path], tmp_path: Path):
    absent = dict.fromkeys(files, tmp_path / "absent")
    with pytest.raises(InputError, match=r"models.mlp: unknown option 'widht'"):
        main(**arguments(absent, tmp_path, options={"widht": 3}))


@pytest.mark.parametrize(
    ("model", "options", "unneeded"),
    [
        ("ridge", {}, ["torch", "dgl", "numba"]),
        ("mlp", SMALL, ["torch._dynamo", "torch._inductor", "dgl", "numba"]),
        ("gat", SMALL, ["torch._dynamo", "torch._inductor", "dgl"]),
        ("full_graph_gat", SMALL, ["torch._dynamo", "torch._inductor", "dgl"]),
    ],
)
def test_a_job_imports_only_what_its_model_needs(
    files: dict[str, Path], tmp_path: Path, model: str, options: dict[str, Any], unneeded: list[str]
):
    """Each import costs every training job seconds; torch's compiler costs as much as torch itself."""
    plugins.load("models", model)  # without its extra, the test is skipped
    given = arguments(files, tmp_path / "run", model=model, options=options)
    call = {key: [str(p) for p in v] if key == "features" else v for key, v in given.items()}
    call = {key: str(value) if isinstance(value, Path) else value for key, value in call.items()}
    code = (
        "import runpy, sys\n"
        "from pathlib import Path\n"
        f"call = {call!r}\n"
        f"runpy.run_path({str(SCRIPT)!r})['main'](**call | {{'shared': Path(call['shared'])}})\n"
        f"print([name for name in {unneeded!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_that_diverges_names_the_batch_and_keeps_the_last_good_weights(
    main: Any, files: dict[str, Path], tmp_path: Path
):
    importlib.import_module("torch")  # without it, the error would be another
    folder = tmp_path / "run"
    # 1e18 makes the weights overflow within a few epochs; earlier members are complete.
    options = {"epochs": 9, "ensemble": 2, "width": 4, "learning_rate": 1e18, "patience": 9, "loss": "mse"}
    given = arguments(files, folder, options=options)
    with pytest.raises(InputError) as error:
        main(**given)
    message = str(error.value)
    assert "\n" not in message
    assert "the loss is not finite in epoch" in message
    assert "The batch: S" in message
    assert not (folder / "prediction.h5ad").exists()
    kept = folder / "diverged"
    assert message.endswith(f"The best weights so far are kept in {kept}")
    batch = (kept / "signatures.txt").read_text().splitlines()
    assert message.split("The batch: ")[1].startswith(batch[0])
    model = plugins.load("models", "mlp").load(kept)
    assert all(np.isfinite(array).all() for array in model.learned.values())
    # A run that succeeds removes them.
    main(**arguments(files, folder))
    assert not kept.exists()


def test_a_run_that_diverges_at_once_reports_that_nothing_is_kept(
    main: Any, files: dict[str, Path], tmp_path: Path
):
    importlib.import_module("torch")  # without it, the error would be another
    folder = tmp_path / "run"
    options = {"epochs": 9, "ensemble": 1, "width": 4, "learning_rate": 1e30, "batch": 1, "loss": "mse"}
    with pytest.raises(InputError, match="No epoch had ended well, so no weights are kept"):
        main(**arguments(files, folder, options=options))
    assert [path.name for path in (folder / "diverged").iterdir()] == ["signatures.txt"]


def test_outputs_replace_those_of_an_earlier_run(main: Any, files: dict[str, Path], tmp_path: Path):
    importlib.import_module("torch")  # without it, the error would be another
    folder = tmp_path / "run"
    late = {"epochs": 9, "ensemble": 2, "width": 4, "learning_rate": 1e18, "patience": 9, "loss": "mse"}
    at_once = {**late, "ensemble": 1, "learning_rate": 1e30, "batch": 1}
    for options in (late, at_once):
        with pytest.raises(InputError, match="is not finite"):
            main(**arguments(files, folder, options=options))
    assert [path.name for path in (folder / "diverged").iterdir()] == ["signatures.txt"]
