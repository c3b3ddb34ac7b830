"""What every signature source must hold, found by itself: meaning, terms, and errors in one line."""

import dataclasses

import polars as pl
import pytest

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.signatures import Genes, SignatureSource

NAMES = plugins.names("signatures")
GENES = Genes([str(i) for i in range(1, 979)], [f"G{i}" for i in range(1, 979)])
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
            source.profiles(files, SELECTION, GENES, label)
            if label in source.labels
            else [source.genes(files)]
        )
        for label in ("level5", "level3")
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_is_a_frozen_dataclass_with_readable_options(name):
    source = plugins.load("signatures", name)
    assert issubclass(source, SignatureSource)
    assert dataclasses.is_dataclass(source) and source.__dataclass_params__.frozen
    assert plugins.options_of("signatures", name) == plugins.fields_of(source)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_reads_and_under_which_terms(name):
    source = plugins.load("signatures", name)
    assert source.files and all(source.files.values())
    assert not set(source.files) & set(source.optional_files)
    assert source.licence and source.citation
    assert set(source.sources) <= {*source.files, *source.optional_files}
    if source.sources:
        assert "doi:" in source.citation or "http" in source.citation


@pytest.mark.parametrize("name", NAMES)
def test_says_which_files_each_step_and_label_reads(name):
    source = plugins.load("signatures", name)
    assert set(source.needs) == {"genes", "select", "compounds", "cell_lines"}
    assert "level5" in source.labels
    for keys in [*source.needs.values(), *source.labels.values()]:
        assert set(keys) <= {*source.files, *source.optional_files}
    for constant in ("files", "optional_files", "sources", "needs", "labels"):
        assert plugins.constant("signatures", name, constant) == getattr(source, constant)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_or_empty_is_one_line_that_names_it(name, call, tmp_path):
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
