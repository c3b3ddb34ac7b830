"""The registry: names, options read without importing, and what it refuses."""

from pathlib import Path

import pytest

from perturbkg import plugins
from perturbkg.errors import InputError


@pytest.mark.parametrize("kind", plugins.BASE_CLASS)
def test_options_are_read_as_the_class_has_them(kind: str):
    for name in plugins.names(kind):
        assert plugins.options_of(kind, name) == plugins.fields_of(plugins.load(kind, name)), name


def test_shared_helpers_are_no_plugins():
    assert not [name for kind in plugins.BASE_CLASS for name in plugins.names(kind) if name.startswith("_")]


def test_options_are_inherited_and_may_be_overridden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "_shared.py").write_text(
        "class Shared(Model):\n    width: int = 3\n    depth: int = 1\n    kind: ClassVar[str] = 'x'\n"
    )
    (folder / "_deeper.py").write_text(
        "from perturbkg.models._shared import Shared\nclass Deeper(Shared):\n    heads: int = 2\n"
    )
    (folder / "mine.py").write_text(
        "from perturbkg.models._deeper import Deeper\n"
        "class Helper:\n    not_an_option: int = 1\n"
        "class Mine(Deeper):\n    depth: int = 9\n    rate: float = -0.5\n"
        "    _cache: int = field(init=False)\n"
    )
    monkeypatch.setattr(plugins, "PACKAGE", tmp_path)
    assert plugins.options_of("models", "mine") == {"width": 3, "depth": 9, "heads": 2, "rate": -0.5}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"models: unknown name 'gta'; known are .*gat, mean, .*zero"):
        plugins.create("models", "gta")


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(InputError, match=r"models.zero: unknown option 'width'; known are none"):
        plugins.create("models", "zero", {"width": 3})
