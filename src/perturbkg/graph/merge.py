"""Merge a knowledge graph with L1000 drugs and cell lines into one graph whose every added edge says why."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.graph import added_edges
from perturbkg.graph.arrays import Graph
from perturbkg.graph.genes import find_genes
from perturbkg.graph.types import (
    ADDED_RELATIONS,
    CELL_EXPRESSES_PROTEIN,
    CELL_LINE,
    CELL_OF_DISEASE,
    DRUG_IS_DRUG,
    DRUG_SIMILAR_TO_TARGET,
    DRUG_TARGETS_PROTEIN,
    LINCS_DRUG,
)
from perturbkg.io.tallies import counted

STAGE = "merge_graph"


@dataclass(frozen=True)
class Merged:
    """The merged graph and the tables beside it."""

    graph: Graph
    nodes: pl.DataFrame  # schemas.GraphNodes
    provenance: pl.DataFrame  # schemas.Provenance
    counts: pl.DataFrame  # schemas.Counts


def merge_graph(
    *,
    nodes: pl.DataFrame,
    edges: pl.DataFrame,
    drugs: pl.DataFrame,
    targets: pl.DataFrame,
    cells: pl.DataFrame,
    baseline: np.ndarray,
    entrez: list[str],
    symbols: list[str] | None = None,
    relations: Mapping[str, bool],
    expressed_genes: int,
) -> Merged:
    """Merge `Nodes`, `Edges`, `Drugs`, `Targets`, `Cells` and the baseline (cells, genes) of `cells`.

    Nodes are sorted by type, then by id; L1000 drugs and cell lines keep the order of their own tables, so
    that drug d is row d of its type's features. `relations` switches added relations on or off (default: on).
    `entrez` and `symbols` name the genes of the baseline; a graph may know them by either.
    Raises InputError for an unknown relation, an edge to a missing node, and a self-loop.
    """
    _check_names(nodes, edges, relations)
    merged_nodes = _merge_nodes(nodes, drugs, cells)
    on = [relation for relation in ADDED_RELATIONS if relations.get(relation, True)]
    off = [relation for relation in ADDED_RELATIONS if relation not in on]
    names = [*edges["relation"].unique().sort(), *on]
    code = pl.Enum([*names, *off])
    known = _numbered(edges, merged_nodes, code)
    tables = [_distinct(known, merged_nodes.height)]
    tally = {
        "nodes": [
            ("read", nodes.height),
            ("added: L1000 drugs", drugs.height),
            ("added: cell lines", cells.height),
            ("kept", merged_nodes.height),
        ],
        "knowledge graph edges": [
            ("read", known.height),
            ("duplicate", known.height - tables[0].height),
            ("kept", tables[0].height),
        ],
    }
    added = {
        DRUG_IS_DRUG: added_edges.is_drug(drugs),
        DRUG_TARGETS_PROTEIN: added_edges.targets(targets, drugs, edges),
        DRUG_SIMILAR_TO_TARGET: added_edges.similar_to_target(targets),
        CELL_EXPRESSES_PROTEIN: added_edges.expresses(
            cells, baseline, find_genes(nodes, entrez, symbols), expressed_genes
        ),
        CELL_OF_DISEASE: added_edges.of_disease(cells, nodes),
    }
    for relation, found in added.items():
        candidates = _numbered(found.edges.with_columns(relation=pl.lit(relation)), merged_nodes, code)
        distinct = _distinct(candidates, merged_nodes.height)
        kept = distinct.clear() if relation in off else distinct
        tables.append(kept)
        tally[relation] = [
            ("read", candidates.height + sum(found.removed.values())),
            *found.removed.items(),
            ("duplicate", candidates.height - distinct.height),
            ("switched off", distinct.height - kept.height),
            ("kept", kept.height),
            *((f"of these: {remark}", count) for remark, count in found.remarks.items() if kept.height),
        ]

    merged = pl.concat(tables, how="diagonal")
    weighted = "weight" in merged.columns and merged["weight"].count()
    graph = Graph.from_edges(
        merged["head"].to_numpy(),
        merged["tail"].to_numpy(),
        merged["relation"].to_physical().to_numpy(),
        node_type=merged_nodes["type"].rle_id().to_numpy(),
        types=merged_nodes["type"].unique(maintain_order=True).to_list(),
        relations=names,
        weight=merged["weight"].fill_null(1).to_numpy() if weighted else None,
    )
    return Merged(
        graph,
        merged_nodes,
        _provenance(tables[0], pl.concat(tables[1:], how="diagonal"), merged_nodes["node"]),
        pl.concat([counted(STAGE, what, lines) for what, lines in tally.items()]),
    )


def _check_names(nodes: pl.DataFrame, edges: pl.DataFrame, relations: Mapping[str, bool]) -> None:
    """Refuse unknown relations, and a knowledge graph that uses the names of what is added."""
    for relation in relations:
        if relation not in ADDED_RELATIONS:
            raise InputError(
                f"graph.relations: unknown relation {relation!r}; known are {', '.join(ADDED_RELATIONS)}"
            )
    for column, taken, found in (
        ("node type", (LINCS_DRUG, CELL_LINE), nodes["type"]),
        ("relation", ADDED_RELATIONS, edges["relation"]),
    ):
        clash = sorted(set(taken) & set(found.unique()))
        if clash:
            raise InputError(
                f"kg: {column} {clash[0]!r} is a name of the merged graph; rename it in the knowledge graph"
            )


def _merge_nodes(nodes: pl.DataFrame, drugs: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return `GraphNodes` of all nodes, sorted by type."""
    parts = [
        nodes.select("node", "type", "name").sort("node"),
        drugs.select(node=added_edges.ids(LINCS_DRUG, "drug"), type=pl.lit(LINCS_DRUG), name="name"),
        cells.select(node=added_edges.ids(CELL_LINE, "cell"), type=pl.lit(CELL_LINE), name="cell"),
    ]
    return (
        pl.concat(parts)
        .sort("type", maintain_order=True)
        .with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64).over("type"))
    )


def _numbered(edges: pl.DataFrame, nodes: pl.DataFrame, code: pl.Enum) -> pl.DataFrame:
    """Return relation (coded), provenance, weight if there, head, tail (numbers); refuse impossible edges."""
    number = nodes.select("node", number=pl.int_range(pl.len(), dtype=pl.Int32))
    ends = {
        end: edges.select(node=end).join(number, on="node", how="left", maintain_order="left")["number"]
        for end in ("head", "tail")
    }
    for problem, bad in (
        ("its head is no node of the graph", ends["head"].is_null()),
        ("its tail is no node of the graph", ends["tail"].is_null()),
        ("it joins a node with itself", (ends["head"] == ends["tail"]).fill_null(value=False)),
    ):
        if bad.any():
            edge = edges.row(int(bad.to_numpy().argmax()), named=True)
            raise InputError(
                f"edge {edge['relation']}: {edge['head']} - {edge['tail']}: {problem}; remove it from "
                "its source, or make the tables of nodes and edges from the same file"
            )
    return edges.select(pl.col("relation").cast(code), "provenance", pl.col("^weight$")).with_columns(**ends)


def _distinct(edges: pl.DataFrame, nodes: int) -> pl.DataFrame:
    """Keep the first of equal undirected edges, whichever way round they are written."""
    low, high = (end("head", "tail").cast(pl.Int64) for end in (pl.min_horizontal, pl.max_horizontal))
    relation = pl.col("relation").to_physical().cast(pl.Int64)
    # One integer names an edge: many times faster to compare than three columns.
    return edges.filter(((relation * nodes + low) * nodes + high).is_first_distinct())


def _provenance(known: pl.DataFrame, added: pl.DataFrame, node: pl.Series) -> pl.DataFrame:
    """Return `Provenance`: a row per relation and source of known edges, and one per added edge."""
    nothing = pl.lit(None, pl.String)
    return pl.concat(
        [
            known.group_by("relation", "provenance")
            .agg(count=pl.len().cast(pl.Int64))
            .sort("relation", "provenance")
            .select("relation", nothing.alias("head"), nothing.alias("tail"), "provenance", "count"),
            added.select(
                "relation",
                head=node.gather(added["head"]),
                tail=node.gather(added["tail"]),
                provenance="provenance",
                count=pl.lit(1, pl.Int64),
            ),
        ]
    ).with_columns(pl.col("relation").cast(pl.String))
