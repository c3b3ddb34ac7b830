"""An installation of only the core scores predictions, and names the extra that the rest needs."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import Distribution
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from distributions import closure

from perturbkg.io.matrices import write_matrix

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> Path:
    """Return the folder of programs of an environment with only the core, linked from this environment.

    `make test-python` installs the core from the package index; this fixture needs no network.
    """
    folder = tmp_path_factory.mktemp("core")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    source = folder / "source"  # a copy: setuptools builds inside the tree
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    subprocess.run([*pip, "wheel", *quiet, "--wheel-dir", folder / "wheel", source], check=True)
    (wheel,) = (folder / "wheel").iterdir()
    venv.create(folder / "venv", symlinks=True)
    places = sysconfig.get_paths("venv", vars={"base": str(folder / "venv")})
    target = ["--target", places["purelib"]]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", *target, wheel], check=True)
    installed = Distribution.discover(name="perturbkg", path=[places["purelib"]])
    for package in closure(next(iter(installed)).requires or []).values():
        tops = {Path(file).parts[0] for file in package.files or []} - {"..", "__pycache__"}
        for top in tops:
            link = Path(places["purelib"]) / top
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(top))).resolve())
    return Path(places["scripts"])


def run(core: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [core / "python", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(core), "COLUMNS": "120"},
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Write 6 observed signatures of 120 genes, and predictions that are twice the observed."""
    folder = tmp_path_factory.mktemp("files")
    observed = np.random.default_rng(0).normal(size=(6, 120))
    obs = pl.DataFrame({"signature": [f"s{n}" for n in range(6)], "cell": ["A549"] * 6})
    var = pl.DataFrame({"entrez": [str(gene) for gene in range(120)]})
    paths = {name: folder / f"{name}.h5ad" for name in ("truth", "prediction")}
    write_matrix(observed, obs, var, paths["truth"])
    write_matrix(2 * observed, obs, var, paths["prediction"])
    return paths


def test_the_core_scores(core, files):
    done = run(
        core, "-m", "perturbkg.cli", "score", "--truth", files["truth"], "--prediction", files["prediction"]
    )
    assert done.returncode == 0, done.stderr
    scored = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if "│" in line}
    assert "1.0000" in scored["pearson"]
    assert "6 signatures" in done.stdout


def test_the_core_is_light_and_the_rest_is_one_line(core):
    program = "from importlib.util import find_spec; print([n for n in {names!r} if find_spec(n)])"
    heavy = ["torch", "rdkit", "snakemake", "numba", "sklearn", "transformers", "pytest"]
    assert run(core, "-c", program.format(names=heavy)).stdout == "[]\n"
    program = (
        "from importlib import import_module\nfrom perturbkg import cli, plugins\ncli.app = {}\ncli.main()"
    )
    for load, package, extra in [
        ("lambda: plugins.load('encoders', 'morgan')", "rdkit", "prepare"),
        ("lambda: import_module('perturbkg.attention')", "torch", "models"),
    ]:
        done = run(core, "-c", program.format(load))
        assert done.returncode == 1
        assert done.stderr == f"error: this needs {package}: pip install 'perturbkg[{extra}]'\n"


def test_every_module_of_the_core_can_be_imported(core):
    program = (
        "import importlib, pkgutil\n"
        "rooms = ('metrics', 'scoring', 'report', 'sources', 'signatures', 'knowledge_graphs', 'baselines')\n"
        "for room in rooms:\n"
        "    package = importlib.import_module(f'perturbkg.{room}')\n"
        "    for module in pkgutil.iter_modules(package.__path__):\n"
        "        importlib.import_module(f'perturbkg.{room}.{module.name}')\n"
    )
    done = run(core, "-c", program)
    assert done.returncode == 0, done.stderr
