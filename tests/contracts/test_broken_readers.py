"""The contracts of readers catch broken readers: a working one is broken in each way, and checked."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
import reader_examples as examples
from reader_contracts import check_baseline, check_graph, check_source

from perturbkg import plugins


def broken(kind, name, **methods):
    """Return a plug-in whose methods return `change(result of the working one)`."""
    good = plugins.load(kind, name)

    def changed(method, change):
        return lambda self, *given: change(getattr(super(type(self), self), method)(*given))

    members = {method: changed(method, change) for method, change in methods.items()}
    return dataclass(frozen=True)(type("Broken", (good,), members))()


def fails(check, kind, name, folder, *more, **methods):
    """Return the line in which a contract refuses a broken reader."""
    good = plugins.create(kind, name)
    example = examples.find(kind, name, list(good.files), folder)
    check(good, example, *more)
    with pytest.raises(AssertionError) as caught:
        check(broken(kind, name, **methods), example, *more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Knowledge graphs


def edges(change):
    return lambda tables: replace(tables, edges=change(tables.edges))


def nodes(change):
    return lambda tables: replace(tables, nodes=change(tables.nodes))


def counts(change):
    return lambda tables: replace(tables, counts=change(tables.counts))


def column(name, value):
    return lambda table: table.with_columns(value.alias(name))


def one_more(**changes):
    """Repeat the first row, changed."""
    return lambda table: pl.concat([table, table[:1].with_columns(**changes)]).sort(
        "relation", "head", "tail"
    )


FIRST = pl.int_range(pl.len()) == 0
BROKEN_GRAPHS = {
    "ids of integers": (nodes(column("source_id", pl.int_range(pl.len()))), "nodes: not a Nodes table"),
    "nodes of integers": (nodes(column("node", pl.int_range(pl.len()))), "nodes: not a Nodes table"),
    "ends of integers": (edges(column("head", pl.int_range(pl.len()))), "edges: not a Edges table"),
    "index of floats": (nodes(column("index", pl.lit(1.5))), "nodes: not a Nodes table"),
    "an additional column": (edges(column("weight", pl.lit(1.0))), "edges: not a Edges table"),
    "an absent name": (nodes(column("name", pl.lit(None, pl.String))), "nodes: not a Nodes table"),
    "an empty name": (nodes(column("name", pl.lit(""))), "nodes: an empty text in name"),
    "a node twice": (nodes(lambda table: pl.concat([table, table[:1]]).sort("node")), "nodes: not a Nodes"),
    "nodes in another order": (nodes(lambda table: table.reverse()), "nodes: not sorted by ['node']"),
    "nodes with another name": (
        nodes(column("source", pl.lit("X"))),
        "nodes: the name of a node must be <type>:",
    ),
    "edges in another order": (edges(lambda table: table.reverse()), "edges: not sorted by"),
    "a self-loop": (edges(one_more(tail="head")), "edges: a self-loop"),
    "a doubled edge": (edges(one_more()), "edges: a row of ['relation', 'head', 'tail'] twice"),
    "an edge in both directions": (
        edges(one_more(head="tail", tail="head")),
        "edges: the head must be the end that sorts first",
    ),
    "an edge to an unknown node": (
        edges(column("tail", pl.when(FIRST).then(pl.lit("x:y:z")).otherwise("tail"))),
        "edges: tail ['x:y:z'] is not among the nodes",
    ),
    "a relation between several types": (
        edges(lambda table: table.with_columns(relation=pl.lit("r")).sort("relation", "head", "tail")),
        "edges: a relation between several types",
    ),
    "an edge dropped without a count": (edges(lambda table: table[1:]), "edges kept, but"),
    "a node dropped without a count": (
        lambda tables: replace(
            tables,
            nodes=tables.nodes.filter(pl.col("type") != "disease"),
            edges=tables.edges.filter(~pl.col("relation").str.starts_with("disease")),
        ),
        "nodes kept, but",
    ),
    "counts that do not add up": (
        counts(column("count", pl.col("count") + (pl.col("reason") == "read"))),
        "counts do not add up",
    ),
    "counts that are floats": (counts(column("count", pl.col("count") * 1.0)), "counts: not a Counts"),
    "no counts": (counts(lambda table: table[:0]), "counts: "),
    "a relation renamed": (
        edges(column("relation", pl.col("relation").str.replace("^drug", "dr"))),
        "edges: {",
    ),
    "descriptions of no node": (
        lambda tables: replace(
            tables,
            descriptions=pl.DataFrame(
                {"node": ["x"], "text": ["y"], "smiles": pl.Series([None], dtype=pl.String)}
            ),
        ),
        "descriptions: of a node that does not exist",
    ),
}


@pytest.mark.parametrize("case", BROKEN_GRAPHS)
def test_a_broken_knowledge_graph_is_caught(case, tmp_path):
    change, message = BROKEN_GRAPHS[case]
    assert message in fails(check_graph, "knowledge_graphs", "table", tmp_path, read=change)


# Signatures


def selection(change):
    return lambda selected: replace(selected, selection=change(selected.selection))


def compounds(change):
    return lambda compounds: replace(compounds, table=change(compounds.table))


def blocks(change):
    return lambda given: [change(rows, values) for rows, values in given]


BROKEN_SOURCES = {
    "genes in the order of text": (
        {"genes": lambda genes: replace(genes, entrez=sorted(genes.entrez))},
        "genes: not unique in ascending order",
    ),
    "a missing gene": (
        {"genes": lambda genes: replace(genes, entrez=genes.entrez[1:])},
        "genes: 977, not 978",
    ),
    "signatures unsorted": ({"select": selection(lambda table: table.reverse())}, "selection: not sorted"),
    "a signature dropped": ({"select": selection(lambda table: table[1:])}, "signatures kept, but"),
    "a dose as text": (
        {"select": selection(column("dose_um", pl.col("dose_um").cast(pl.String)))},
        "selection: not a Selection table",
    ),
    "an empty name of a drug": (
        {"compounds": compounds(column("name", pl.lit("")))},
        "compounds: an empty text in name",
    ),
    "targets as text": (
        {"compounds": compounds(column("targets", pl.col("targets").list.join("|")))},
        "compounds: columns are",
    ),
    "a drug twice": (
        {"compounds": compounds(lambda table: pl.concat([table, table[:1]]))},
        "compounds: a drug twice",
    ),
    "another structure": ({"compounds": compounds(column("smiles", pl.lit("C")))}, "compounds: "),
    "a cell line twice": (
        {"cell_lines": lambda table: pl.concat([table, table[:1]])},
        "cell lines: a duplicate",
    ),
    "a row that is not a number": (
        {"cell_lines": lambda table: table.with_columns(pl.col("row").cast(pl.String))},
        "cell lines: columns are",
    ),
    "a signature lost without a line": (
        {"measured": selection(lambda table: table[1:])},
        "are missing, but not the ones listed",
    ),
    "profiles of doubles": (
        {"profiles": blocks(lambda rows, values: (rows, values.astype(float)))},
        "profiles are float64, not float32",
    ),
    "profiles of signatures in another order": (
        {"profiles": blocks(lambda rows, values: (rows, values[:, ::-1]))},
        "gene 1: ",
    ),
    "a gene's column missing": (
        {"profiles": blocks(lambda rows, values: (rows, values[:, 1:]))},
        "a block of",
    ),
    "a signature without a profile": (
        {"profiles": lambda given: list(given)[:0]},
        "a signature without a profile",
    ),
    "a value that is not finite": (
        {"profiles": blocks(lambda rows, values: (rows, values * np.float32(np.nan)))},
        "not finite",
    ),
}


@pytest.mark.parametrize("case", BROKEN_SOURCES)
def test_a_broken_signature_source_is_caught(case, tmp_path):
    methods, message = BROKEN_SOURCES[case]
    assert message in fails(check_source, "signatures", "table", tmp_path, **methods)


# Baselines


def values(change):
    return lambda measured: replace(measured, values=change(measured.values))


def cells(change):
    return lambda measured: replace(measured, cells=change(measured.cells))


BROKEN_BASELINES = {
    "doubles": (values(lambda matrix: matrix.astype(float)), "values are float64, not float32"),
    "not a number": (values(lambda matrix: matrix * np.float32(np.nan)), "values: one is not finite"),
    "genes in another order": (values(lambda matrix: matrix[:, ::-1]), "gene 1: "),
    "cell lines in another order": (cells(lambda table: table.reverse()), "gene 1: "),
    "a missing cell line": (cells(lambda table: table[1:]), "values are (2, 978), not (1, 978)"),
    "a cell line twice": (cells(lambda table: table[[0, 0]]), "cells: a duplicate"),
    "names that are numbers": (cells(column("cell", pl.int_range(pl.len()))), "cells: columns are"),
    "counts that do not add up": (
        counts(column("count", pl.col("count") + (pl.col("reason") == "read"))),
        "counts do not add up",
    ),
}


@pytest.mark.parametrize("case", BROKEN_BASELINES)
def test_a_broken_baseline_is_caught(case, tmp_path):
    change, message = BROKEN_BASELINES[case]
    assert message in fails(check_baseline, "baselines", "ccle", tmp_path, examples.GENES, read=change)


# Examples


@pytest.mark.parametrize("kind", ["knowledge_graphs", "signatures", "baselines"])
def test_a_reader_without_an_example_names_the_file_to_add(kind, tmp_path):
    with pytest.raises(pytest.fail.Exception) as caught:
        examples.find(kind, "brand_new", ["kg", "texts"], tmp_path)
    assert f"add tests/source_examples/{kind}/brand_new/expected.json" in str(caught.value)
    assert "(kg, texts)" in str(caught.value) and "\n" not in str(caught.value)


def test_an_example_without_a_file_names_it(tmp_path, monkeypatch):
    folder = tmp_path / "knowledge_graphs" / "brand_new"
    folder.mkdir(parents=True)
    (folder / "expected.json").write_text("{}")
    (folder / "kg.csv").write_text("x\n")
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    with pytest.raises(
        pytest.fail.Exception, match="add an example of texts to tests/source_examples/knowledge_graphs/"
    ):
        examples.find("knowledge_graphs", "brand_new", ["kg", "texts"], tmp_path)
    assert examples.find("knowledge_graphs", "brand_new", ["kg"], tmp_path / "none").files == {
        "kg": folder / "kg.csv"
    }
