"""Read OptimusKG's nodes.parquet and edges.parquet (its "gold" tables) into nodes and undirected edges.

The published files are read as they are, which pins a run to one release; the publisher's client, which takes
the latest, is not needed. Genes are Ensembl's there, and are named by their symbols; drugs are ChEMBL's and
DrugBank's, and have structures. Columns: optimuskg.ai/docs/graph-schema.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.graph.types import NODE_TYPES
from perturbkg.io.delimited import given
from perturbkg.io.parquet import explained
from perturbkg.io.tallies import counted
from perturbkg.knowledge_graphs import DESCRIPTIONS, STAGE, KnowledgeGraph, KnowledgeGraphTables
from perturbkg.knowledge_graphs._parquet import scan
from perturbkg.knowledge_graphs._undirected import Statements, undirected
from perturbkg.knowledge_graphs._vocabulary import (
    OPTIMUSKG_RELATIONS,
    OPTIMUSKG_TYPES,
    RELATIONS,
    outside,
    translated,
)

_log = logging.getLogger(__name__)

NODE_COLUMNS = ("id", "label")  # and properties
EDGE_COLUMNS = ("from", "to", "label", "relation")
# The properties that are read, of about 150; the others, such as pictures of molecules, are never decoded.
PROPERTIES: dict[str, pl.DataType] = {
    "name": pl.String(),
    "symbol": pl.String(),
    "description": pl.String(),
    "function_descriptions": pl.List(pl.String),
    "canonical_smiles": pl.String(),
}
GENES = "GEN"
# Ids whose source is not before a separator, and sources that PrimeKG calls otherwise.
ID_PATTERNS = {
    r"^ENSG\d+": "Ensembl",
    r"^DB\d+$": "DrugBank",
    r"^CHEMBL\d+$": "ChEMBL",
    "^R-HSA-": "REACTOME",
}
SOURCE_NAMES = {"NCBIGene": "NCBI", "HP": "HPO"}


@dataclass(frozen=True)
class OptimusKG(KnowledgeGraph):
    """OptimusKG, a multimodal biomedical graph, in PrimeKG's vocabulary."""

    files: ClassVar[dict[str, str]] = {
        "kg_nodes": "nodes.parquet of OptimusKG (doi:10.7910/DVN/IYNGEV)",
        "kg_edges": "edges.parquet of OptimusKG (doi:10.7910/DVN/IYNGEV)",
    }
    sources: ClassVar[dict[str, str]] = {"kg_nodes": "optimuskg_nodes", "kg_edges": "optimuskg_edges"}
    licence: ClassVar[str] = (
        "by part (optimuskg.ai/docs/license): Open Targets, Bgee, Reactome and HGNC CC0 1.0, GO, Mondo and "
        "HPO CC BY 4.0, DrugCentral CC BY-SA 4.0; non-commercial are DrugBank (CC BY-NC 4.0) and DisGeNET "
        "(CC BY-NC-SA 4.0); CTD has terms of its own"
    )
    citation: ClassVar[str] = (
        "Vittor, Noori, Arango, Polonuer, Rodriques, White, Clifton, Zitnik: OptimusKG: Unifying biomedical "
        "knowledge in a modern multimodal graph (2026). arXiv:2604.27269, data doi:10.7910/DVN/IYNGEV"
    )

    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read the graph; an edge's head is the end whose node id sorts first, so that it has one type."""
        nodes_path, edges_path = (given(files, key, self.files) for key in self.files)
        with explained(nodes_path):
            found = _found_nodes(nodes_path)
        with explained(edges_path):
            rows = scan(edges_path, EDGE_COLUMNS)
            statements = _statements(rows, found)
        _check_statements(statements, rows, edges_path, nodes_path)
        nodes = found.select("node", "type", "source", "source_id", "name", index=pl.lit(None, pl.Int64))
        read = len(statements)
        numbers, mismatched = _numbers(statements, found, edges_path)
        del statements  # a third of a gigabyte
        edges, lines = undirected(numbers, nodes["node"])
        reason = "an end is of another type than the label says"
        return KnowledgeGraphTables(
            nodes,
            edges,
            pl.concat(
                [
                    counted(STAGE, "nodes", [("read", len(nodes)), ("kept", len(nodes))]),
                    outside(STAGE, "node types", nodes["type"], NODE_TYPES),
                    counted(STAGE, "edges", [("read", read), (reason, mismatched), *lines[1:]]),
                    outside(STAGE, "relations", edges["relation"], RELATIONS),
                ]
            ),
            found.select(list(DESCRIPTIONS)).filter(
                pl.any_horizontal(pl.col("text", "smiles").is_not_null())
            ),
        )


def _found_nodes(path: Path) -> pl.DataFrame:
    """Return the columns of Nodes, id, label and descriptions of all nodes, sorted by node."""
    rows = scan(path, NODE_COLUMNS, ["properties"]).with_row_index("row")
    kind = rows.collect_schema()["properties"]
    if isinstance(kind, pl.Struct):
        known = {field.name for field in kind.fields}
        properties = pl.struct(
            (pl.col("properties").struct.field(name) if name in known else pl.lit(None))
            .cast(dtype)
            .alias(name)
            for name, dtype in PROPERTIES.items()
        )
    elif kind not in (pl.String, pl.Null):
        raise InputError(
            f"{path}: column 'properties' is {kind}, neither JSON nor a struct; give another file"
        )
    else:
        text = pl.col("properties").cast(pl.String)
        properties = pl.when(text != "").then(text).str.json_decode(pl.Struct(PROPERTIES))
    table = rows.select("row", "id", "label", properties=properties).collect(engine="streaming")
    wrong = table.filter(pl.any_horizontal(pl.col("id", "label").fill_null("") == ""))
    if len(wrong):
        raise InputError(f"{path}: row {wrong['row'][0]}: a node without id or label; fetch the file again")
    twice = table.filter(pl.struct("id", "label").is_duplicated())
    if len(twice):
        raise InputError(
            f"{path}: row {twice['row'][0]}: node {twice['id'][0]!r} twice; remove one of the rows"
        )
    _check_known(table, path)
    prefix, rest = (pl.col("id").str.extract(r"^([A-Za-z]+)[_:](.+)$", group) for group in (1, 2))
    known_as = [
        pl.when(pl.col("id").str.contains(p)).then(pl.lit(source)) for p, source in ID_PATTERNS.items()
    ]
    filled = {
        name: pl.when(stripped != "").then(stripped)
        for name in ("name", "symbol", "description", "canonical_smiles")
        for stripped in [pl.col(name).str.strip_chars()]
    }
    return (
        table.unnest("properties")
        .with_columns(
            type=translated(table["label"], OPTIMUSKG_TYPES),
            source=pl.coalesce(*known_as, prefix.replace(SOURCE_NAMES), pl.lit("OptimusKG")),
            source_id=pl.coalesce(rest, "id"),
            # Genes are looked up by symbol.
            name=pl.coalesce(pl.when(label=GENES).then(filled["symbol"]).otherwise(filled["name"]), "id"),
            text=pl.coalesce(filled["description"], pl.col("function_descriptions").list.first()),
            smiles=filled["canonical_smiles"],
        )
        .with_columns(node=pl.concat_str("type", "source", "source_id", separator=":"))
        .sort("node")
    )


def _check_known(table: pl.DataFrame, path: Path) -> None:
    """Raise InputError for a release with other labels, or without symbols: no gene would be found."""
    labels = table["label"].unique().sort()
    if not labels.is_in(list(OPTIMUSKG_TYPES)).any():
        raise InputError(
            f"{path}: none of the labels of nodes is OptimusKG's ({', '.join(OPTIMUSKG_TYPES)}); found are "
            f"{', '.join(labels[:10])}; give nodes.parquet of its gold tables"
        )
    genes = table.filter(label=GENES).unnest("properties")
    if genes["name"].count() and not genes["symbol"].count():
        raise InputError(
            f"{path}: none of the {len(genes)} genes (label {GENES}) has a 'symbol' in its properties, by "
            "which genes are found; give nodes.parquet of OptimusKG's gold tables"
        )


def _statements(rows: pl.LazyFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Keep what an edge needs of each row, as codes; the end of an edge to no node is null."""
    ids = pl.Enum(nodes["id"].unique().sort())
    return rows.select(
        pl.col("from", "to").cast(pl.String).cast(ids, strict=False),
        pl.col("label", "relation").cast(pl.String).cast(pl.Categorical),
    ).collect(engine="streaming")


def _check_statements(statements: pl.DataFrame, rows: pl.LazyFrame, path: Path, nodes_path: Path) -> None:
    """Raise InputError for the first row that does not state an edge between two nodes."""
    wrong = statements.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if not wrong.any():
        return
    number = int(wrong.arg_max() or 0)
    edge = rows.select(EDGE_COLUMNS).slice(number, 1).collect().row(0, named=True)
    problem = next(f"{key} is {edge[key]!r}" for key in EDGE_COLUMNS if statements[key][number] is None)
    raise InputError(
        f"{path}: row {number}: {problem}, which is no name or no node of {nodes_path.name} "
        f"({wrong.sum()} such rows); take both files from one release"
    )


def _numbers(statements: pl.DataFrame, nodes: pl.DataFrame, path: Path) -> tuple[Statements, int]:
    """Return the statements as numbers, and how many are left out as an end is not of their label's type.

    Rows that name the ends in the other order than their label does are understood.
    """
    codes, names = {}, {}
    for column in ("label", "relation"):
        names[column] = statements[column].unique().cast(pl.String).sort()
        codes[column] = statements[column].cast(pl.Enum(names[column])).to_physical().to_numpy()
    labels = nodes["label"].unique().sort()
    position = {label: at for at, label in enumerate(labels)}
    ends = [label.split("-") for label in names["label"]]
    for label, parts in zip(names["label"], ends, strict=True):
        if len(parts) != 2 or not set(parts) <= set(position):
            raise InputError(
                f"{path}: label {label!r} does not name two labels of nodes (which are {', '.join(labels)}); "
                "take both files from one release"
            )
    ids = pl.Enum(nodes["id"].unique().sort())
    row_of = np.full((len(labels), len(ids.categories)), -1, np.int32)
    row_of[[position[label] for label in nodes["label"]], nodes["id"].cast(ids).to_physical().to_numpy()] = (
        np.arange(len(nodes))
    )
    types = np.array([[position[part] for part in parts] for parts in ends], np.int16).T[:, codes["label"]]
    at = [statements[end].to_physical().to_numpy() for end in ("from", "to")]
    x, y = (row_of[kind, end] for kind, end in zip(types, at, strict=True))
    other = np.flatnonzero((x < 0) | (y < 0))
    x[other], y[other] = (row_of[kind[other], end[other]] for kind, end in zip(types[::-1], at, strict=True))
    proper = np.flatnonzero((x >= 0) & (y >= 0))
    combined = pl.Series(
        [f"{_as_mapped(label)} {name}" for label in names["label"] for name in names["relation"]]
    )
    meant = translated(combined, OPTIMUSKG_RELATIONS)
    relations = meant.unique().sort()
    vocabulary = meant.cast(pl.Enum(relations)).to_physical().to_numpy()
    # Codes of few names are single bytes, which their product is not.
    relation = vocabulary[codes["label"].astype(np.int32) * len(names["relation"]) + codes["relation"]]
    return Statements(
        x[proper],
        y[proper],
        relation[proper],
        codes["relation"][proper],
        relations.to_list(),
        [f"optimuskg:{name.lower()}" for name in names["relation"]],
    ), len(x) - len(proper)


def _as_mapped(label: str) -> str:
    """Return the label of an edge as the mapping has it, which knows each pair of types in one order."""
    turned = "-".join(reversed(label.split("-")))
    known = {key.split(" ")[0] for key in OPTIMUSKG_RELATIONS}
    return turned if turned in known and label not in known else label
