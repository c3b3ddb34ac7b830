"""The contract of every baseline reader: meaning, terms, its example, one-line errors."""

import dataclasses

import pytest
import reader_examples as examples
from reader_contracts import check_baseline

from perturbkg import plugins
from perturbkg.baselines import Baseline
from perturbkg.errors import InputError

NAMES = plugins.names("baselines")


@pytest.mark.parametrize("name", NAMES)
def test_declares_what_it_reads_and_under_which_terms(name):
    source = plugins.load("baselines", name)
    assert issubclass(source, Baseline)
    assert dataclasses.is_dataclass(source) and source.__dataclass_params__.frozen
    assert source.files and all(source.files.values())
    assert set(source.sources) <= set(source.files)
    assert source.licence and source.citation
    for constant in ("files", "sources"):
        assert plugins.constant("baselines", name, constant) == getattr(source, constant)


@pytest.mark.parametrize("name", NAMES)
def test_reads_its_example_into_baselines(name, tmp_path):
    source = plugins.create("baselines", name)
    example = examples.find("baselines", name, list(source.files), tmp_path)
    check_baseline(source, example, examples.GENES)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_or_empty_file_is_one_line_that_names_it(name, tmp_path):
    source = plugins.create("baselines", name)
    with pytest.raises(InputError, match=r"no key '\w+'"):
        source.read({}, examples.GENES)
    files = {key: tmp_path / key for key in source.files}
    with pytest.raises(InputError, match="no such file"):
        source.read(files, examples.GENES)
    for path in files.values():
        path.touch()
    with pytest.raises(InputError) as caught:
        source.read(files, examples.GENES)
    assert "\n" not in str(caught.value)
    assert any(str(path) in str(caught.value) for path in files.values())
