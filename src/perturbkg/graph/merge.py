"""Merge a knowledge graph with L1000 drugs and cell lines into one graph whose every added edge says why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.graph.genes import find_genes
from perturbkg.graph.names import AMBIGUOUS, NONE, caseless, exact, find_nodes, normalised
from perturbkg.graph.types import (
    ADDED_RELATIONS,
    CELL_EXPRESSES_PROTEIN,
    CELL_LINE,
    CELL_OF_DISEASE,
    DISEASE,
    DRUG_IS_DRUG,
    DRUG_TARGETS_PROTEIN,
    GENE,
    LINCS_DRUG,
    node_id,
)
from perturbkg.io.tallies import counted

STAGE = "merge_graph"
_SHOWN = 5  # examples named in a reason


@dataclass(frozen=True)
class Merged:
    """The merged graph and the tables beside it."""

    graph: Graph
    nodes: pl.DataFrame  # schemas.GraphNodes
    provenance: pl.DataFrame  # schemas.Provenance
    counts: pl.DataFrame  # schemas.Counts


@dataclass(frozen=True)
class Added:
    """Edges of one added relation, and why others were not made."""

    edges: pl.DataFrame  # head, tail (node ids), provenance
    removed: dict[str, int] = field(default_factory=dict)  # reason -> edges not made
    remarks: dict[str, int] = field(default_factory=dict)  # what else is worth knowing -> edges or cells


def merge_graph(
    *,
    nodes: pl.DataFrame,
    edges: pl.DataFrame,
    drugs: pl.DataFrame,
    cells: pl.DataFrame,
    baseline: np.ndarray,
    entrez: list[str],
    symbols: list[str] | None = None,
    relations: Mapping[str, bool],
    expressed_genes: int,
) -> Merged:
    """Merge the tables `Nodes`, `Edges`, `Drugs`, `Cells` and the baseline (cells, genes) of `cells`.

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
        DRUG_IS_DRUG: _is_drug(drugs),
        DRUG_TARGETS_PROTEIN: _targets(drugs, nodes, edges),
        CELL_EXPRESSES_PROTEIN: _expresses(
            cells, baseline, find_genes(nodes, entrez, symbols), expressed_genes
        ),
        CELL_OF_DISEASE: _of_disease(cells, nodes),
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

    merged = pl.concat(tables)
    graph = Graph.from_edges(
        merged["head"].to_numpy(),
        merged["tail"].to_numpy(),
        merged["relation"].to_physical().to_numpy(),
        node_type=merged_nodes["type"].rle_id().to_numpy(),
        types=merged_nodes["type"].unique(maintain_order=True).to_list(),
        relations=names,
    )
    return Merged(
        graph,
        merged_nodes,
        _provenance(tables[0], pl.concat(tables[1:]), merged_nodes["node"]),
        pl.concat([counted(STAGE, what, lines) for what, lines in tally.items()]),
    )


def _check_names(nodes: pl.DataFrame, edges: pl.DataFrame, relations: Mapping[str, bool]) -> None:
    """Refuse relations that nobody adds, and a knowledge graph that uses the names of what is added."""
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
        drugs.select(node=_ids(LINCS_DRUG, "drug"), type=pl.lit(LINCS_DRUG), name="name"),
        cells.select(node=_ids(CELL_LINE, "cell"), type=pl.lit(CELL_LINE), name="cell"),
    ]
    return (
        pl.concat(parts)
        .sort("type", maintain_order=True)
        .with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64).over("type"))
    )


def _ids(node_type: str, column: str) -> pl.Expr:
    """Return the node ids of a column of drugs or cells."""
    return pl.format(node_id(node_type, "{}"), pl.col(column))


def _numbered(edges: pl.DataFrame, nodes: pl.DataFrame, code: pl.Enum) -> pl.DataFrame:
    """Return relation (coded), head, tail (node numbers), provenance; refuse an impossible edge."""
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
    return edges.select(pl.col("relation").cast(code), provenance="provenance").with_columns(**ends)


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


def _is_drug(drugs: pl.DataFrame) -> Added:
    """Join an L1000 drug with the drug of the knowledge graph that it is, as prepare_drugs matched it."""
    matched = drugs.filter(pl.col("kg_node").is_not_null())
    return Added(
        matched.select(
            head=_ids(LINCS_DRUG, "drug"),
            tail="kg_node",
            provenance=pl.format("match:{}", pl.col("match").fill_null("unknown")),
        ),
        {"no drug of the knowledge graph matches": drugs.height - matched.height},
    )


def _targets(drugs: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame) -> Added:
    """Join an L1000 drug with the genes of its target symbols."""
    wanted = (
        drugs.select("drug", "kg_node", symbol="targets")
        .explode("symbol", empty_as_null=False)
        .filter(pl.col("symbol") != "")
    )
    genes = find_nodes(wanted["symbol"], nodes.filter(type=GENE), {"exact": exact, "caseless": caseless})
    found = wanted.join(genes, left_on="symbol", right_on="name", maintain_order="left")
    made = found.filter(pl.col("node").is_not_null())
    # Such an edge says the same twice; it stays, because either relation may be switched off or ablated.
    matched = made["kg_node"].drop_nulls().unique().implode()
    of_drugs = edges.filter(pl.col("head").is_in(matched) | pl.col("tail").is_in(matched))
    ways = [["head", "tail"], ["tail", "head"]]
    pairs = made.unique(["drug", "node"])
    repeated = sum(
        pairs.join(of_drugs, left_on=["kg_node", "node"], right_on=way, how="semi").height for way in ways
    )
    return Added(
        made.select(
            head=_ids(LINCS_DRUG, "drug"),
            tail="node",
            provenance=pl.when(match="exact")
            .then(pl.lit("compoundinfo:target"))
            .otherwise(pl.format("compoundinfo:target:{}", "match")),
        ),
        _unmatched(found, "symbol", GENE),
        {"also an edge of the same drug in the knowledge graph": repeated},
    )


def _expresses(cells: pl.DataFrame, baseline: np.ndarray, genes: pl.Series, top: int) -> Added:
    """Join a cell line with the landmark genes that it expresses more than other cell lines do."""
    # ASSUME: what marks a cell line is what it expresses above the mean of the dataset's cell lines, in units
    # of their spread (a z-score of log2 expression), not what every cell expresses most (housekeeping genes).
    # ASSUME: a gene with the same value in all cell lines marks none of them.
    X = np.asarray(baseline, dtype=np.float64)
    spread = X.std(axis=0)
    specificity = np.divide(X - X.mean(axis=0), spread, out=np.zeros_like(X), where=spread > 0)
    best = np.argsort(-specificity, axis=1, kind="stable")[:, :top]  # ties: the order of the genes
    above = np.take_along_axis(specificity, best, axis=1) > 0
    cell, rank = np.nonzero(above)
    wanted = pl.DataFrame({"cell": cells["cell"].gather(cell), "tail": genes.gather(best[cell, rank])})
    made = wanted.filter(pl.col("tail").is_not_null())
    return Added(
        made.select(head=_ids(CELL_LINE, "cell"), tail="tail", provenance=pl.lit("baseline:zscore")),
        {
            "not above the mean of the cell lines": int((~above).sum()),
            "no such gene in the knowledge graph, by Entrez id or symbol": wanted.height - made.height,
        },
    )


def _of_disease(cells: pl.DataFrame, nodes: pl.DataFrame) -> Added:
    """Join a cell line with the one disease whose name is the cell line's disease, word for word."""
    # ASSUME: the source writes a disease as "carcinoma,ductal" and a lineage as "urinary tract,bladder", from
    # general to special; "bladder ductal carcinoma" is tried before "ductal carcinoma", and that before the
    # words as they stand. No word is left out, so a cell line without such a disease gets no edge.
    special_first = pl.col("disease").str.split(",").list.reverse().list.join(" ")
    named = cells.filter(normalised(pl.col("disease")) != "")
    phrases = named.select(
        "cell",
        phrase=pl.concat_list(
            pl.concat_str(
                pl.col("lineage").fill_null("").str.split(",").list.last(), special_first, separator=" "
            ),
            special_first,
            "disease",
        ),
    ).explode("phrase")
    diseases = find_nodes(phrases["phrase"], nodes.filter(type=DISEASE), {"normalised": normalised})
    found = (
        phrases.join(diseases, left_on="phrase", right_on="name", maintain_order="left")
        .with_columns(none=pl.col("match") == NONE)
        .sort("none", maintain_order=True)
        .unique("cell", keep="first", maintain_order=True)
    )
    found = named.select("cell").join(found, on="cell", maintain_order="left")
    return Added(
        found.filter(pl.col("node").is_not_null()).select(
            head=_ids(CELL_LINE, "cell"), tail="node", provenance=pl.lit("cellinfo:disease:normalised")
        ),
        {"no disease named": cells.height - named.height, **_unmatched(found, "phrase", DISEASE)},
    )


def _unmatched(found: pl.DataFrame, name: str, node_type: str) -> dict[str, int]:
    """Count what found no node, and name the first few."""
    reasons = {}
    for match, text in ((NONE, "no node of this name"), (AMBIGUOUS, "several nodes of this name")):
        missing = found.filter(match=match)
        names = missing[name].unique().sort().to_list()
        shown = ", ".join(names[:_SHOWN]) + (
            f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        )
        reasons[f"{text} ({node_type})" + (f": {shown}" if names else "")] = missing.height
    return reasons
