"""The contract of every knowledge graph reader: meaning, terms, its example, one-line errors."""

import dataclasses

import pytest
import reader_examples as examples
from reader_contracts import check_graph

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.graph.texts import TEXT_FILES
from perturbkg.knowledge_graphs import KnowledgeGraph

NAMES = plugins.names("knowledge_graphs")


@pytest.mark.parametrize("name", NAMES)
def test_is_a_frozen_dataclass(name):
    graph = plugins.load("knowledge_graphs", name)
    assert issubclass(graph, KnowledgeGraph)
    assert dataclasses.is_dataclass(graph) and graph.__dataclass_params__.frozen


@pytest.mark.parametrize("name", NAMES)
def test_declares_what_it_reads_and_under_which_terms(name):
    graph = plugins.load("knowledge_graphs", name)
    assert graph.files and all(graph.files.values())
    assert set(graph.sources) <= {*graph.files, *TEXT_FILES}
    assert graph.licence and graph.citation
    assert not graph.sources or "doi:" in graph.citation or "http" in graph.citation


@pytest.mark.parametrize("name", NAMES)
def test_reads_its_example_into_consistent_tables(name, tmp_path):
    graph = plugins.create("knowledge_graphs", name)
    check_graph(graph, examples.find("knowledge_graphs", name, list(graph.files), tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_or_empty_file_is_one_line_that_names_it(name, tmp_path):
    graph = plugins.create("knowledge_graphs", name)
    with pytest.raises(InputError, match=next(iter(graph.files))):
        graph.read({})
    files = {key: tmp_path / f"{key}.csv" for key in graph.files}
    with pytest.raises(InputError, match="no such file") as caught:
        graph.read(files)
    assert "\n" not in str(caught.value)
    for path in files.values():
        path.touch()
    with pytest.raises(InputError) as caught:
        graph.read(files)
    assert "\n" not in str(caught.value)
    assert any(str(path) in str(caught.value) for path in files.values())
