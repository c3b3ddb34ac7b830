"""Checks of the output of any reader of a kind: each raises AssertionError with one line.

`perturbkg.schemas` defines columns and types of a table; here is what a schema cannot express.
"""

import itertools
from typing import Any

import numpy as np
import polars as pl
from balance import unbalanced
from reader_examples import Example

from perturbkg import schemas
from perturbkg.baselines import Baseline, Measured
from perturbkg.errors import InputError
from perturbkg.knowledge_graphs import STAGE, KnowledgeGraph, KnowledgeGraphTables
from perturbkg.signatures import Compounds, Genes, Selected, SignatureSource

LANDMARKS = 978
LISTS = ("aliases", "targets", "xref")
COMPOUNDS = {
    **dict.fromkeys(("drug", "name", "smiles", "inchikey"), pl.String),
    **dict.fromkeys(LISTS, pl.List(pl.String)),
    "row": pl.Int64,
}
CELL_LINES = {"row": pl.Int64, **dict.fromkeys(("cell", "lineage", "disease", "description"), pl.String)}


def require(condition: Any, message: str) -> None:
    """Raise AssertionError with a message unless a condition holds."""
    if not condition:
        raise AssertionError(message)


def has_schema(table: pl.DataFrame, schema: type[schemas.Table], name: str) -> None:
    """Check columns and types of a table."""
    try:
        schemas.check(table, schema, name)
    except InputError as error:
        raise AssertionError(str(error)) from error


def has_types(table: pl.DataFrame, types: dict[str, Any], name: str) -> None:
    """Check the names and types of the first columns of a table without a schema."""
    found = dict(itertools.islice(table.schema.items(), len(types)))
    require(found == types, f"{name}: columns are {found}, not {types}")


def is_sorted(table: pl.DataFrame, columns: list[str], name: str) -> None:
    """Check that the rows are sorted by some columns and that no two are equal in them."""
    require(
        table.select(columns).equals(table.select(columns).sort(columns)), f"{name}: not sorted by {columns}"
    )
    require(not table.select(columns).is_duplicated().any(), f"{name}: a row of {columns} twice")


def has_no_empty_text(table: pl.DataFrame, name: str) -> None:
    """Check that unknown values are null, not empty texts."""
    for column in table.select(pl.col(pl.String)).columns:
        require(not (table[column] == "").any(), f"{name}: an empty text in {column}; write null")


def adds_up(counts: pl.DataFrame, what: str, kept: int, read: int | None = None) -> None:
    """Check counts of the subject `what`: all that was read was removed or kept, and `kept` rows came out."""
    has_schema(counts, schemas.Counts, "counts")
    require(not unbalanced(counts), f"counts do not add up: {unbalanced(counts)}")
    lines = dict(counts.filter(pl.col("what").str.starts_with(what)).select("reason", "count").rows())
    require({"read", "kept"} <= set(lines), f"counts: no lines `read` and `kept` of {what}")
    require(lines["kept"] == kept, f"counts: {lines['kept']} {what} kept, but {kept} returned")
    require(read is None or lines["read"] == read, f"counts: {lines['read']} {what} read, not {read}")


def tally(values: pl.Series) -> dict[str, int]:
    """Return value -> how often it occurs."""
    return dict(values.value_counts().sort(values.name).rows())


# Knowledge graphs


def check_graph(reader: KnowledgeGraph, example: Example) -> None:
    """Check the tables that a knowledge graph reader makes from its example."""
    tables, again = reader.read(example.files), reader.read(example.files)
    check_graph_tables(tables)
    for name in ("nodes", "edges", "counts", "descriptions"):
        require(getattr(tables, name).equals(getattr(again, name)), f"{name}: differ when read again")
    expected = example.expected
    require(tally(tables.nodes["type"]) == expected["nodes"], f"nodes: {tally(tables.nodes['type'])}")
    require(tally(tables.edges["relation"]) == expected["edges"], f"edges: {tally(tables.edges['relation'])}")
    require(len(tables.descriptions) == expected["descriptions"], f"{len(tables.descriptions)} descriptions")
    adds_up(tables.counts, "edges", len(tables.edges), expected["read"])


def check_graph_tables(tables: KnowledgeGraphTables) -> None:
    """Check that the tables of a graph are well formed and consistent."""
    nodes, edges, descriptions = tables.nodes, tables.edges, tables.descriptions
    has_schema(nodes, schemas.Nodes, "nodes")
    has_schema(edges, schemas.Edges, "edges")
    has_schema(descriptions, schemas.Descriptions, "descriptions")
    for table, name in ((nodes, "nodes"), (edges, "edges"), (descriptions, "descriptions")):
        has_no_empty_text(table, name)
    is_sorted(nodes, ["node"], "nodes")
    is_sorted(edges, ["relation", "head", "tail"], "edges")
    named = nodes.select(pl.concat_str("type", "source", "source_id", separator=":")).to_series()
    require(named.equals(nodes["node"]), "nodes: the name of a node must be <type>:<source>:<source_id>")
    for side in ("head", "tail"):
        unknown = edges.filter(~pl.col(side).is_in(nodes["node"].implode()))
        require(unknown.is_empty(), f"edges: {side} {unknown[side].head(1).to_list()} is not among the nodes")
    require((edges["head"] != edges["tail"]).all(), "edges: a self-loop")
    # This also finds an edge given in both directions.
    require((edges["head"] <= edges["tail"]).all(), "edges: the head must be the end that sorts first")
    types = edges.select("relation", *(pl.col(side).str.extract("^([^:]+):") for side in ("head", "tail")))
    mixed = types.unique().filter(pl.col("relation").is_duplicated())
    require(mixed.is_empty(), f"edges: a relation between several types: {mixed.rows()[:2]}")
    unknown = descriptions.filter(~pl.col("node").is_in(nodes["node"].implode()))
    require(unknown.is_empty(), "descriptions: of a node that does not exist")
    silent = descriptions.filter(pl.all_horizontal(pl.col("text", "smiles").is_null()))
    require(silent.is_empty(), "descriptions: a node with neither text nor SMILES")
    stages = tables.counts["stage"].unique().to_list()
    require(stages == [STAGE], f"counts: of stage {stages}, not {STAGE}")
    adds_up(tables.counts, "nodes", len(nodes))
    adds_up(tables.counts, "edges", len(edges))


# Signatures


def check_source(source: SignatureSource, example: Example) -> None:
    """Check the output of a signature source for its example, step by step."""
    files, expected = example.files, example.expected
    genes = source.genes(files)
    check_genes(genes)
    selected = source.select(files, expected["filters"])
    check_selected(selected)
    require(
        selected.selection["signature"].to_list() == expected["selected"],
        "selection: not the expected signatures",
    )
    compounds = source.compounds(files)
    check_compounds(compounds)
    drugs = dict(compounds.table.sort("drug").select("drug", "smiles").rows())
    require(drugs == expected["drugs"], f"compounds: {drugs}")
    require(
        sorted(compounds.withheld) == expected["withheld"], "compounds: not the expected ones are withheld"
    )
    lines = source.cell_lines(files)
    check_cell_lines(lines)
    require(sorted(lines["cell"]) == expected["cells"], f"cell lines: {sorted(lines['cell'])}")
    require(set(expected["deltas"]) == set(source.labels), f"expected.json: deltas of {list(source.labels)}")
    for label, deltas in expected["deltas"].items():
        measured = source.measured(files, selected.selection, label)
        check_measured(measured, selected.selection, label)
        names = measured.selection["signature"].to_list()
        require(names == list(deltas), f"{label}: profiles of {names}, not of {list(deltas)}")
        blocks = list(source.profiles(files, measured.selection, genes, label))
        check_values(check_blocks(blocks, names, label), names, genes, deltas, label)


def check_genes(genes: Genes) -> None:
    """Check that the genes are the 978 landmarks by ascending Entrez id."""
    require(len(genes.entrez) == len(genes.symbol) == LANDMARKS, f"genes: {len(genes.entrez)}, not 978")
    require(all(isinstance(gene, str) for gene in genes.entrez), "genes: an Entrez id must be text")
    numbers = [int(gene) for gene in genes.entrez]
    require(numbers == sorted(set(numbers)), "genes: not unique in ascending order of Entrez id")


def check_selected(selected: Selected) -> None:
    """Check a selection of signatures, and that nothing was dropped without a count."""
    has_schema(selected.selection, schemas.Selection, "selection")
    has_schema(selected.exclusions, schemas.Exclusions, "exclusions")
    has_no_empty_text(selected.selection, "selection")
    is_sorted(selected.selection, ["signature"], "selection")
    adds_up(selected.counts, "signatures", len(selected.selection))


def check_compounds(compounds: Compounds) -> None:
    """Check a compound table."""
    has_types(compounds.table, COMPOUNDS, "compounds")
    has_schema(compounds.exclusions, schemas.Exclusions, "exclusions")
    has_no_empty_text(compounds.table, "compounds")
    table = compounds.table
    require(not table["drug"].is_duplicated().any(), "compounds: a drug twice")
    for column in ("drug", "name", *LISTS, "row"):
        require(not table[column].null_count(), f"compounds: {column} is null; use an empty list")
    for column in LISTS:
        require(
            (table[column].list.unique().list.sort() == table[column]).all(),
            f"compounds: {column} not sorted",
        )
    known = set(table.filter(pl.col("smiles").is_not_null())["drug"])
    require(not compounds.withheld & known, "compounds: a known structure is listed as withheld")


def check_cell_lines(lines: pl.DataFrame) -> None:
    """Check a cell line table."""
    has_types(lines, CELL_LINES, "cell lines")
    has_no_empty_text(lines, "cell lines")
    require(not lines["cell"].null_count(), "cell lines: one has no name")
    require(not lines["cell"].is_duplicated().any(), "cell lines: a duplicate")


def check_measured(measured: Selected, selection: pl.DataFrame, label: str) -> None:
    """Check that signatures without a profile are counted and listed."""
    has_schema(measured.selection, schemas.Selection, f"{label} selection")
    has_schema(measured.exclusions, schemas.Exclusions, f"{label} exclusions")
    has_schema(measured.counts, schemas.Counts, f"{label} counts")
    kept = selection.filter(pl.col("signature").is_in(measured.selection["signature"].implode()))
    require(kept.equals(measured.selection), f"{label}: rows that were not requested, or in another order")
    lost = set(selection["signature"]) - set(kept["signature"])
    require(
        lost == set(measured.exclusions["item"]),
        f"{label}: {sorted(lost)} are missing, but not the ones listed",
    )
    if len(measured.counts):
        adds_up(measured.counts, f"{label} signatures", len(kept), len(selection))


def check_blocks(blocks: list[tuple[np.ndarray, np.ndarray]], names: list[str], label: str) -> np.ndarray:
    """Return the profiles (signatures, 978) of some blocks; check that each row occurs once, as float32."""
    made = np.full((len(names), LANDMARKS), np.nan, np.float32)
    for rows, values in blocks:
        require(values.dtype == np.float32, f"{label}: profiles are {values.dtype}, not float32")
        require(values.shape == (len(rows), LANDMARKS), f"{label}: a block of {values.shape}")
        require(len(set(rows)) == len(rows) and np.isnan(made[rows]).all(), f"{label}: a signature twice")
        made[rows] = values
    require(np.isfinite(made).all(), f"{label}: a signature without a profile, or a value that is not finite")
    return made


def check_values(
    values: np.ndarray, names: list[str], genes: Genes, expected: dict[str, dict[str, float]], what: str
) -> None:
    """Check some values of a matrix, by the name of the row and the Entrez id of the column."""
    for name, row in expected.items():
        for gene, value in row.items():
            found = values[names.index(name), genes.entrez.index(gene)]
            require(np.isclose(found, value, atol=1e-5), f"{what}: {name}, gene {gene}: {found}, not {value}")


# Baselines


def check_baseline(source: Baseline, example: Example, genes: Genes) -> None:
    """Check the output of a baseline reader for its example."""
    measured, again = source.read(example.files, genes), source.read(example.files, genes)
    check_baselines(measured)
    require(measured.cells.equals(again.cells), "cells: differ when read again")
    require(np.array_equal(measured.values, again.values), "values: differ when read again")
    names, expected = measured.cells["cell"].to_list(), example.expected["values"]
    require(sorted(names) == sorted(expected), f"cells: {sorted(names)}, not {sorted(expected)}")
    check_values(measured.values, names, genes, expected, "values")


def check_baselines(measured: Measured) -> None:
    """Check that baselines are well formed."""
    has_types(measured.cells, {"row": pl.Int64, "cell": pl.String}, "cells")
    has_no_empty_text(measured.cells, "cells")
    require(not measured.cells["cell"].null_count(), "cells: one has no name")
    require(not measured.cells["cell"].is_duplicated().any(), "cells: a duplicate")
    require(measured.values.dtype == np.float32, f"values are {measured.values.dtype}, not float32")
    shape = (len(measured.cells), LANDMARKS)
    require(measured.values.shape == shape, f"values are {measured.values.shape}, not {shape}")
    require(np.isfinite(measured.values).all(), "values: one is not finite")
    has_schema(measured.counts, schemas.Counts, "counts")
    require(not unbalanced(measured.counts), f"counts do not add up: {unbalanced(measured.counts)}")
    kept = measured.counts.filter(what="baselines", reason="kept")["count"].to_list()
    require(kept in ([], [len(measured.cells)]), f"counts: {kept} baselines kept, but {shape[0]} returned")
