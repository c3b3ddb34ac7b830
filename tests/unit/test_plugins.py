"""The registry: names, classes read without importing, plug-ins of other packages, and refused names."""

import sys
from pathlib import Path

import pytest

from perturbkg import plugins
from perturbkg.errors import InputError


def test_shared_helpers_are_not_plugins():
    assert not [name for kind in plugins.BASE_CLASS for name in plugins.names(kind) if name.startswith("_")]


@pytest.mark.parametrize("kind", plugins.BASE_CLASS)
def test_a_kind_may_be_given_in_the_singular(kind: str):
    assert plugins.known_kind(kind) == plugins.known_kind(kind.removesuffix("s")) == kind


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        InputError, match=r"models: unknown name 'gta' \(did you mean 'gat'\?\); known are .*zero"
    ):
        plugins.create("models", "gta")


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(InputError, match=r"models.zero: unknown option 'width'; known are none"):
        plugins.create("models", "zero", {"width": 3})
    with pytest.raises(InputError, match=r"models.zero: unknown option 'seed'"):
        plugins.create("models", "zero", {"seed": 3})


def test_an_option_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"encoders.morgan.bits: 0 must be greater than or equal to 1"):
        plugins.create("encoders", "morgan", {"bits": 0})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function that installs a distribution `elsewhere` with a package of that name."""

    def install(*points: tuple[str, str], **files: str) -> None:
        for name, text in files.items():
            path = tmp_path / "elsewhere" / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        about = tmp_path / "elsewhere-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
        lines = "".join(f"{name} = {module}\n" for name, module in points)
        (about / "entry_points.txt").write_text(f"[perturbkg.metrics]\n{lines}")
        monkeypatch.syspath_prepend(tmp_path)
        plugins._installed.cache_clear()

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] == "elsewhere"]:
        del sys.modules[name]
    plugins._installed.cache_clear()
    plugins.load.cache_clear()


METRIC = '''"""Largest error of a signature."""
from dataclasses import dataclass
from perturbkg.metrics import Metric
from elsewhere.shared import SIZE
from .shared import Sized

@dataclass(frozen=True)
class Largest(Metric, Sized):
    """The largest error over all genes."""

    genes: int = SIZE * 2
    """genes that count"""

    def compute(self, evaluation):
        return {}
'''
SHARED = '''"""What the metrics of this package share."""
from dataclasses import dataclass
SIZE = 3

@dataclass(frozen=True)
class Sized:
    """Has a power."""

    power: float = 2.0
    """exponent"""
'''


def test_a_plugin_of_another_package_is_found_read_and_made(installed):
    installed(("largest", "elsewhere.largest"), __init__="", largest=METRIC, shared=SHARED)
    assert {"largest", "pearson"} <= set(plugins.names("metrics"))
    assert plugins.source("metrics", "largest").name == "largest.py"
    assert plugins.options_of("metrics", "largest") == {"power": 2.0, "genes": 6}
    made = plugins.create("metrics", "largest", {"genes": 4})
    assert (made.genes, made.power, type(made).__module__) == (4, 2.0, "elsewhere.largest")


def test_a_syntax_error_in_what_a_plugin_imports_is_one_line_that_names_it(installed):
    files = {"broken": "\nX = (\n", "shared": SHARED + "from elsewhere import broken\n"}
    installed(("largest", "elsewhere.largest"), __init__="", largest=METRIC, **files)
    with pytest.raises(InputError, match=r"broken\.py:2: this is not valid Python: .*; correct it$"):
        plugins.load("metrics", "largest")


def test_a_name_that_is_taken_is_one_line_that_names_both(installed):
    installed(("pearson", "elsewhere.largest"), largest=METRIC)
    with pytest.raises(
        InputError,
        match=r"metrics: the name 'pearson' is taken twice, by perturbkg and by package 'elsewhere'",
    ):
        plugins.names("metrics")


def test_a_module_that_is_not_there_is_one_line(installed):
    installed(("gone", "elsewhere_gone.largest"))
    with pytest.raises(InputError, match=r"names the module 'elsewhere_gone\.largest', which is not there"):
        plugins.source("metrics", "gone")


def test_a_name_that_no_config_can_hold_is_refused(installed):
    installed(("My-Metric", "elsewhere.largest"), largest=METRIC)
    with pytest.raises(InputError, match="'My-Metric'; a name has lower-case letters"):
        plugins.names("metrics")
