"""One new file of each kind, as `perturbkg new` writes it, passes its contract and runs unchanged."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from perturbkg import plugins
from perturbkg.skeletons import NAMED

ROOT = Path(__file__).parents[2]
NAMES = {kind: f"fresh_{kind.removesuffix('s')}" for kind in plugins.BASE_CLASS}
# A tiny world, in the form that the new readers read.
WORLD = """
import sys
from pathlib import Path
import numpy as np
import polars as pl
from perturbkg import plugins
from perturbkg.simulation.files import FILES
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import simulate
from perturbkg.simulation.writers import write_world

folder, signatures, graph, baseline = Path(sys.argv[1]), *sys.argv[2:]
options = {
    "drugs": 24, "scaffolds": 8, "cells": 3, "genes": 1_100, "inferred_genes": 20, "pathways": 8,
    "planted_pathways": 4, "targets_per_pathway": 8, "processes": 12, "diseases": 12, "coverage": 1.0,
}
files = {key: folder / name for key, name in FILES.items()}
files |= {key: folder / key for key in ("instinfo", "level3_trt", "level3_ctl", "truth", "truth_edges")}
write_world(simulate(SimulationOptions.of(options), np.random.default_rng(3)), files)

source = plugins.create("signatures", "lincs2020")
genes = source.genes(files)
kept = source.select(files, {}).selection
deltas = np.zeros((len(kept), 978), np.float32)
for rows, block in source.profiles(files, kept, genes, "level5"):
    deltas[rows] = block
labels = kept.select("signature", "drug", "cell", "dose_um", "time_h")
labels.hstack(pl.DataFrame(deltas, schema=genes.entrez)).write_csv(folder / f"{signatures}.csv")
source.compounds(files).table.select("drug", "smiles", "name", pl.col("targets").list.join("|")).write_csv(
    folder / f"{signatures}_compounds.csv"
)
source.cell_lines(files).drop("row").write_csv(folder / f"{signatures}_cells.csv")
measured = plugins.create("baselines", "table").read(files, genes)
measured.cells.select("cell").hstack(pl.DataFrame(measured.values, schema=genes.entrez)).write_csv(
    folder / f"{baseline}.csv"
)
pairs = pl.read_csv(files["kg"], infer_schema=False).filter(pl.col("relation") == "protein_protein")
pairs.select(entrez_a="x_id", symbol_a="x_name", entrez_b="y_id", symbol_b="y_name").write_csv(
    folder / f"{graph}.csv"
)
"""


class Copy:
    """A copy of the project, in which commands use the package of the copy."""

    def __init__(self, folder: Path) -> None:
        """Copy everything that is tested."""
        self.folder = folder
        parts = (
            "src",
            "scripts",
            "workflow",
            "config",
            "profiles",
            "benchmarks",
            "docs",
            "tests",
            "README.md",
            "Snakefile",
            "pyproject.toml",
        )
        for part in [ROOT / part for part in parts if (ROOT / part).exists()]:
            if part.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "images")
                shutil.copytree(part, folder / part.name, ignore=ignored)
            else:
                shutil.copy2(part, folder)

    def run(self, *arguments: str) -> str:
        """Run Python; return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": str(self.folder / "src"), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    made.run(
        "-c",
        "from perturbkg.skeletons import write_skeleton\n"
        f"for kind, name in {NAMES}.items(): write_skeleton(kind, name)",
    )
    return made


def test_every_kind_has_a_skeleton():
    assert set(NAMED) == set(plugins.BASE_CLASS)


def test_the_contracts_hold(copy: Copy):
    found = copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contracts", "-k", "fresh")
    assert "skipped" not in found and "failed" not in found, found
    collected = copy.run("-m", "pytest", "-q", "--collect-only", "tests/contracts", "-k", "fresh")
    for name in NAMES.values():
        assert f"[{name}" in collected or f"-{name}" in collected, f"no contract of {name}"


def test_no_other_test_breaks_with_a_new_name(copy: Copy):
    copy.run("docs/generate.py")
    tests = (
        "test_plugins.py",
        "test_config.py",
        "test_cli.py",
        "test_rooms.py",
        "test_imports.py",
        "scoring/test_score.py",
    )
    paths = [f"tests/unit/{test}" for test in tests] + ["tests/repository/test_generated_tables.py"]
    copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)
    assert f"`{NAMES['metrics']}`" in (copy.folder / "docs/metrics.md").read_text(encoding="utf-8")


def write_control(copy: Copy) -> str:
    """Write a trivial model, which the report keeps apart; return its name."""
    made, name = NAMES["models"], "fresh_control"
    text = (copy.folder / f"src/perturbkg/models/{made}.py").read_text()
    field = "    prior: "
    assert field in text
    (copy.folder / f"src/perturbkg/models/{name}.py").write_text(
        text.replace(field, f'    kind = "control"\n{field}', 1)
    )
    return name


def test_a_run_uses_all_of_them(copy: Copy):
    raw = copy.folder / "raw"
    raw.mkdir()
    signatures, graph, baseline = (NAMES[kind] for kind in ("signatures", "knowledge_graphs", "baselines"))
    copy.run("-c", WORLD, str(raw), signatures, graph, baseline)
    files = {key: f"{key}.csv" for key in (signatures, f"{signatures}_compounds", f"{signatures}_cells")}
    model, ablation, split, metric = (NAMES[kind] for kind in ("models", "ablations", "splits", "metrics"))
    control = write_control(copy)
    config = {
        "name": "fresh",
        "source": "files",
        "files_root": "raw",
        "files": {
            **files,
            graph: f"{graph}.csv",
            baseline: f"{baseline}.csv",
            "geneinfo": "geneinfo_beta.txt",
        },
        "knowledge_graph": graph,
        "signatures": signatures,
        "baseline": baseline,
        "filters": {"require_hiq": False, "require_qc_pass": False},
        "minimum_signatures": 10,
        "encoders": {"gene/protein": [NAMES["encoders"]], "disease": [], "biological_process": []},
        "encoder_options": {NAMES["encoders"]: {"unit": 10}},
        "splits": [split],
        "models": [model, control],
        "model_options": {model: {"prior": 3}},
        "ablations": {model: [ablation]},
        "metrics": [metric, "pearson"],
        "report": {"reference": model, "headline": [metric], "resamples": 100},
    }
    (copy.folder / "fresh.yaml").write_text(yaml.safe_dump(config))
    results = copy.folder / "results/fresh"
    copy.run(
        *("-m", "snakemake", "--cores", "2", "--quiet", "--configfile", "fresh.yaml"),
        *("--", "results/fresh/report.html"),
    )
    table = pl.read_parquet(results / "scores.parquet")
    found = table.group_by("split", "model", "ablation", "metric").agg(pl.col("value").drop_nulls().len())
    rows = {tuple(map(str, row[:4])): row[4] for row in found.rows()}
    assert all(rows[split, model, what, metric] > 0 for what in ("none", ablation))
    run = json.loads((results / f"runs/{split}/fold0/{model}/{ablation}/seed1/run.json").read_text())
    assert run["options"] == {"model": {"prior": 3}, "ablation": {"share": 0.5}}
    assert run["ablation"]["notes"]["edges_removed"]["all"] > 0
    # Default encoders of node types that a graph of proteins lacks stop nothing, and are counted.
    coverage = pl.read_csv(results / "tables/coverage.csv")
    absent = coverage.filter(nodes=0).select("type", "encoder").rows()
    assert absent == [("drug", "morgan"), ("pathway", "hashed_text")]
    main = pl.read_csv(results / "tables/main.csv").filter(metric=metric)
    assert dict(main.select("model", "kind").rows()) == {model: "reference", control: "control"}
    page = (results / "report.html").read_text(encoding="utf-8")
    heads = re.findall(r"<th [^>]*><button[^>]*>([^<]*)</button>", page)
    assert any(head.startswith(metric) for head in heads)
    assert not any(head.startswith("pearson") for head in heads), "not in the headline"
