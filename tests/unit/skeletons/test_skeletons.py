"""Skeletons: their folders, their names, and which names are refused."""

import ast

import pytest

from perturbkg import plugins, skeletons
from perturbkg.errors import InputError
from perturbkg.skeletons import next_steps, write_skeleton


@pytest.mark.parametrize("kind", plugins.BASE_CLASS)
def test_a_skeleton_is_written_under_its_new_name(kind, tmp_path):
    plug_in, *example = write_skeleton(kind, "our_own", tmp_path)
    assert plug_in == tmp_path / "our_own.py"
    text = plug_in.read_text()
    classes = [item.name for item in ast.parse(text).body if isinstance(item, ast.ClassDef)]
    assert classes == ["OurOwn"]
    assert not [path for path in (plug_in, *example) if "skeleton" in path.read_text().lower()]
    assert bool(example) == (kind in plugins.SINGLES.values())
    for path in example:
        assert path.parent == tmp_path / "source_examples" / kind / "our_own"
        assert "skeleton" not in path.name and path.suffix != ".in"


def test_in_a_checkout_a_skeleton_is_written_to_the_folder_of_its_kind(tmp_path, monkeypatch):
    (tmp_path / "tests/contracts").mkdir(parents=True)
    monkeypatch.setattr(skeletons, "CHECKOUT", tmp_path)
    found = write_skeleton("baselines", "ours")
    assert {path.relative_to(tmp_path).as_posix() for path in found} == {
        "src/perturbkg/baselines/ours.py",
        "tests/source_examples/baselines/ours/example.py",
        "tests/source_examples/baselines/ours/expected.json",
    }


def test_without_a_checkout_a_folder_is_required(tmp_path, monkeypatch):
    monkeypatch.setattr(skeletons, "CHECKOUT", tmp_path)
    with pytest.raises(InputError, match="not a checkout of PerturbKG; say with --out which folder"):
        write_skeleton("models", "ours")


def test_nothing_is_overwritten(tmp_path):
    example = tmp_path / "source_examples/baselines/ours/expected.json"
    example.parent.mkdir(parents=True)
    example.write_text("mine")
    with pytest.raises(InputError, match=r"expected\.json: is already there; choose another name"):
        write_skeleton("baselines", "ours", tmp_path)
    assert example.read_text() == "mine"
    assert not (tmp_path / "ours.py").exists()


@pytest.mark.parametrize("name", ["My-Model", "2nd", "a.b", "../a", "", "class", "_shared"])
def test_a_name_that_python_or_a_config_cannot_use_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="lower-case letters, digits and underscores, a letter first"):
        write_skeleton("models", name, tmp_path)


def test_a_name_that_is_taken_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"models: 'gat' is already there: .*gat\.py; choose another name"):
        write_skeleton("models", "gat", tmp_path)


def test_a_metric_named_like_a_value_of_another_is_refused(tmp_path):
    with pytest.raises(
        InputError, match="'rmse_deg100' is already a value of 'rmse_deg'; choose another name"
    ):
        write_skeleton("metrics", "rmse_deg100", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert write_skeleton("models", "rmse_deg100", tmp_path)


def test_the_next_steps_name_the_test_or_the_entry_point(tmp_path):
    assert "pytest tests/contracts/test_splits.py -k ours" in " ".join(next_steps("splits", "ours"))
    elsewhere = " ".join(next_steps("splits", "ours", tmp_path))
    assert '[project.entry-points."perturbkg.splits"] ours = "<package>.ours"' in elsewhere
    assert "splits: [random, ours]" in elsewhere
