"""The contract of every signature source: meaning, terms, its example, one-line errors."""

import dataclasses

import polars as pl
import pytest
import reader_examples as examples
from reader_contracts import check_source

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.signatures import SignatureSource

NAMES = plugins.names("signatures")
SELECTION = pl.DataFrame(
    {"signature": ["s"], "drug": ["d"], "cell": ["c"], "dose_um": [10.0], "time_h": [24.0]}
)
CALLS = {
    "genes": lambda source, files: source.genes(files),
    "select": lambda source, files: source.select(files, {}),
    "compounds": lambda source, files: source.compounds(files),
    "cell_lines": lambda source, files: source.cell_lines(files),
    **{
        label: lambda source, files, label=label: list(
            source.profiles(files, SELECTION, examples.GENES, label)
            if label in source.labels
            else [source.genes(files)]
        )
        for label in ("level5", "level3")
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_is_a_frozen_dataclass(name):
    source = plugins.load("signatures", name)
    assert issubclass(source, SignatureSource)
    assert dataclasses.is_dataclass(source) and source.__dataclass_params__.frozen


@pytest.mark.parametrize("name", NAMES)
def test_declares_what_it_reads_and_under_which_terms(name):
    source = plugins.load("signatures", name)
    assert source.files and all(source.files.values())
    assert not set(source.files) & set(source.optional_files)
    assert source.licence and source.citation
    assert set(source.sources) <= {*source.files, *source.optional_files}
    if source.sources:
        assert "doi:" in source.citation or "http" in source.citation


@pytest.mark.parametrize("name", NAMES)
def test_declares_which_files_each_step_and_label_reads(name):
    source = plugins.load("signatures", name)
    assert set(source.needs) == {"genes", "select", "compounds", "cell_lines"}
    assert "level5" in source.labels
    for keys in [*source.needs.values(), *source.labels.values()]:
        assert set(keys) <= {*source.files, *source.optional_files}
    for constant in ("files", "optional_files", "sources", "needs", "labels"):
        assert plugins.constant("signatures", name, constant) == getattr(source, constant)


@pytest.mark.parametrize("name", NAMES)
def test_reads_its_example_into_tables_and_profiles(name, tmp_path):
    source = plugins.create("signatures", name)
    check_source(source, examples.find("signatures", name, list(source.files), tmp_path))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_or_empty_file_is_one_line_that_names_it(name, call, tmp_path):
    source = plugins.create("signatures", name)
    with pytest.raises(InputError, match=r"no key '\w+'"):
        CALLS[call](source, {})
    files = {key: tmp_path / key for key in source.files}
    with pytest.raises(InputError, match="no such file"):
        CALLS[call](source, files)
    for path in files.values():
        path.touch()
    with pytest.raises(InputError) as caught:
        CALLS[call](source, files)
    assert "\n" not in str(caught.value)
    assert any(str(path) in str(caught.value) for path in files.values())
