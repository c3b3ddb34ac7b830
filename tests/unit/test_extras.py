"""Imports and pyproject.toml agree, the core needs only its own packages, and a missing extra is one line."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from distributions import closure
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from perturbkg import extras, imports

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
#: Rooms that `pip install perturbkg` must serve: all their imports, direct or not, need only the core.
CORE = [
    "baselines", "cli", "config", "errors", "extras", "imports", "knowledge_graphs", "metrics", "plugins",
    "provenance", "report", "schemas", "scoring", "signatures", "sources",
]  # fmt: skip
#: Packages that no file imports, and why they are needed.
UNSEEN = {
    "vl-convert-python": "Altair saves figures with it",
    "setuptools": "DGL imports it",
    "snakemake": "the Snakefile",
    "snakemake-executor-plugin-slurm": "the profile slurm",
    "pytest-xdist": "make test",
    "mypy": "make check",
    "ruff": "make check",
    "snakefmt": "make check",
}


def declared(*names: str) -> set[str]:
    """Return the distributions of the core ("") and of extras, with the extras that these include."""
    found: set[str] = set()
    for name in names:
        for requirement in EXTRAS[name] if name else PROJECT["dependencies"]:
            included = re.fullmatch(r"perturbkg\[([\w,]+)\]", requirement)
            found |= declared(*included[1].split(",")) if included else {extras.distribution(requirement)}
    return found


@cache
def imported_by(path: Path) -> frozenset[str]:
    """Return the distributions that a file imports, at the top or inside functions."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules.add(node.module or "")
    outside = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"perturbkg"}
    return frozenset(map(extras.distribution, outside))


def imported(*paths: Path) -> dict[str, str]:
    """Return each distribution that files import, and one file that does."""
    return {name: str(path) for path in paths for name in imported_by(path)}


def files_of(room: str) -> list[Path]:
    folder, module = imports.PACKAGE / room, imports.PACKAGE / f"{room}.py"
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [module]


@pytest.mark.parametrize("room", CORE)
def test_a_room_of_the_core_needs_only_the_core(room):
    files = files_of(room)
    found = imported(*files, *imports.reached(*files))
    assert found.keys() <= declared(""), found


def test_imports_of_the_package_and_declared_packages_agree():
    found = imported(*imports.PACKAGE.rglob("*.py"), *(ROOT / "scripts").glob("*.py"))
    # Torch for CUDA depends on Triton, which is useless without a GPU.
    assert found.keys() <= declared("", "models") | {"triton"}, found
    assert declared("", "models") - UNSEEN.keys() <= found.keys()


def test_imports_of_tests_and_benchmarks_are_declared_and_used():
    own = {path.stem for name in ("tests/support", "benchmarks") for path in (ROOT / name).glob("*.py")}
    folders = (imports.PACKAGE, *(ROOT / name for name in ("tests", "benchmarks", "scripts", "docs")))
    found = imported(*(path for folder in folders for path in folder.rglob("*.py")))
    assert found.keys() - set(map(extras.distribution, own)) <= declared("", "all"), found
    assert declared("all") - UNSEEN.keys() <= found.keys()
    assert declared("", "all") >= UNSEEN.keys()


def test_the_constraints_pin_what_is_installed():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}
    for name, package in closure(["perturbkg[all]"]).items():
        # Torch for CUDA itself requires exact versions of NVIDIA's packages.
        if name != "perturbkg" and not name.startswith(("nvidia-", "cuda-")):
            assert name in pins, name
            assert pins[name].marker is None or pins[name].marker.evaluate(), name
            assert package.version in pins[name].specifier, name


def test_all_includes_every_extra():
    assert declared("all") == declared(*EXTRAS)


REQUIREMENTS = [
    "numpy",
    'dgl; python_version < "3.12" and extra == "models"',
    "scikit-learn ; extra == 'models'",
    'torch>=2; extra == "models"',
    'perturbkg[models]; extra == "workflow"',
    'torch; extra == "all"',
    'snakemake-executor-plugin-slurm; extra == "slurm"',
]


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("torch", "models"),
        ("dgl", "models"),
        ("sklearn", "models"),
        ("snakemake_executor_plugin_slurm", "slurm"),
        ("numpy", None),
        ("perturbk", None),
    ],
)
def test_the_extra_of_a_module(module, extra):
    assert extras.extra_of(module, REQUIREMENTS) == extra


WITHOUT_TORCH = f"""
import sys
from perturbkg import cli, extras, plugins
sys.modules["torch"] = None
extras._declared = lambda: {REQUIREMENTS!r}
cli.app = lambda: plugins.load("models", "mlp")
cli.main()
"""


def test_a_missing_extra_is_one_line_that_names_it():
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: this needs torch: pip install 'perturbkg[models]'\n"


def test_all_packages_of_an_extra_are_required(monkeypatch):
    monkeypatch.setattr(extras, "_declared", lambda: ["numpy; extra == 'x'", "b; extra == 'y'"])
    extras.require("x")
    with pytest.raises(extras.MissingExtraError, match=r"^this needs b: pip install 'perturbkg\[y\]'$"):
        extras.require("y")


def test_a_missing_module_outside_all_extras_is_a_defect():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), extras.explained():
        importlib.import_module("no_such_module")


def test_the_installed_package_declares_its_extras():
    assert extras.extra_of("torch", extras._declared()) == "models"
