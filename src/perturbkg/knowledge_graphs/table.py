"""Read a graph of your own, a table of nodes and one of edges, into nodes and undirected edges.

Each file is CSV, tab-separated or Parquet, recognised by its content. Nodes have the columns `node` (or `id`)
and `type`; if there: `name`, `source` and `source_id` (genes of the source NCBI are found by their Entrez id,
all others by symbol, which is their name; drugs by DrugBank id), `text` and `smiles`. Edges have `relation`,
`head` and `tail`, which are values of `node`; if there: `provenance`. Each is stored once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.errors import InputError
from perturbkg.graph.types import NODE_TYPES
from perturbkg.io.delimited import given, identified
from perturbkg.io.tables import columns, read
from perturbkg.io.tallies import counted
from perturbkg.knowledge_graphs import STAGE, KnowledgeGraph, KnowledgeGraphTables
from perturbkg.knowledge_graphs._checks import check_edges
from perturbkg.knowledge_graphs._vocabulary import (
    OWN_RELATIONS,
    OWN_TYPES,
    RELATIONS,
    outside,
    translated,
)

STATED = ["relation", "head", "tail"]
EMPTY = [""]  # a node may be called NaN
SOURCE = "table"  # of nodes and edges that do not say where they come from


@dataclass(frozen=True)
class Table(KnowledgeGraph):
    """A knowledge graph of your own."""

    files: ClassVar[dict[str, str]] = {
        "kg_nodes": "nodes of your own graph: node (or id), type, name (CSV, tab separated or Parquet)",
        "kg_edges": "edges of your own graph: relation, head, tail (CSV, tab separated or Parquet)",
    }
    sources: ClassVar[dict[str, str]] = {}
    licence: ClassVar[str] = "that of your graph"
    citation: ClassVar[str] = "that of your graph"

    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read the graph; an edge's head is the end whose node id sorts first, so that it has one type."""
        nodes_path, edges_path = (given(files, key, self.files) for key in self.files)
        nodes = _nodes(nodes_path)
        edges = _edges(edges_path, nodes)
        described = nodes.select("node", "text", "smiles")
        return KnowledgeGraphTables(
            nodes.select("node", "type", "source", "source_id", "name", index=pl.lit(None, pl.Int64)),
            edges,
            pl.concat(
                [
                    counted(STAGE, "nodes", [("read", len(nodes)), ("kept", len(nodes))]),
                    outside(STAGE, "node types", nodes["type"], NODE_TYPES),
                    counted(STAGE, "edges", [("read", len(edges)), ("kept", len(edges))]),
                    outside(STAGE, "relations", edges["relation"], RELATIONS),
                ]
            ),
            described.filter(pl.any_horizontal(pl.col("text", "smiles").is_not_null())),
        )


def _nodes(path: Path) -> pl.DataFrame:
    """Return the columns of Nodes and Descriptions, and the file's own id, sorted by node."""
    key = "node" if "node" in columns(path) else "id"
    table = read(
        path, [key, "type"], ["name", "source", "source_id", "text", "smiles"], ids=[key], missing=EMPTY
    )
    table = _filled(identified(table, key, path), ["type"], path)
    table = table.with_columns(
        id=key,
        type=translated(table["type"].str.to_lowercase(), OWN_TYPES),
        source=pl.col("source").fill_null(SOURCE),
        source_id=pl.coalesce("source_id", key),
        name=pl.coalesce("name", key),
    ).with_columns(node=pl.concat_str("type", "source", "source_id", separator=":"))
    return identified(table, "node", path).sort("node")


def _edges(path: Path, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return Edges."""
    table = _filled(read(path, STATED, ["provenance"], ids=["head", "tail"], missing=EMPTY), STATED, path)
    table = table.with_columns(
        relation=translated(table["relation"].str.to_lowercase(), OWN_RELATIONS),
        provenance=pl.col("provenance").fill_null(SOURCE),
    )
    check_edges(nodes.select(node="id"), table, str(path))
    node_of = dict(nodes.select("id", "node").iter_rows())
    ends = table.with_columns(pl.col("head", "tail").replace_strict(node_of))
    return ends.select(
        "relation",
        pl.min_horizontal("head", "tail").alias("head"),
        pl.max_horizontal("head", "tail").alias("tail"),
        "provenance",
    ).sort(STATED)


def _filled(table: pl.DataFrame, wanted: Sequence[str], path: Path) -> pl.DataFrame:
    """Return the table if every row has a value in the columns `wanted`, else raise InputError."""
    for column in wanted:
        empty = table.filter(pl.col(column).is_null())
        if len(empty):
            raise InputError(f"{path}: row {empty['row'][0]}: no {column}; fix or remove the row")
    return table
