"""Read PrimeKG's kg.csv (plain or .gz), or any graph in its columns, into nodes and undirected edges.

The file holds each edge in both directions, one statement a row. Nodes are those that its rows name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import explained, given, header, require
from perturbkg.io.tallies import counted
from perturbkg.knowledge_graphs import KnowledgeGraph, KnowledgeGraphTables

STAGE = "read_knowledge_graph"

# The 30 relations of PrimeKG (Chandak et al. 2023, table 3).
RELATIONS = (
    "anatomy_anatomy",
    "anatomy_protein_absent",
    "anatomy_protein_present",
    "bioprocess_bioprocess",
    "bioprocess_protein",
    "cellcomp_cellcomp",
    "cellcomp_protein",
    "contraindication",
    "disease_disease",
    "disease_phenotype_negative",
    "disease_phenotype_positive",
    "disease_protein",
    "drug_drug",
    "drug_effect",
    "drug_protein",
    "exposure_bioprocess",
    "exposure_cellcomp",
    "exposure_disease",
    "exposure_exposure",
    "exposure_molfunc",
    "exposure_protein",
    "indication",
    "molfunc_molfunc",
    "molfunc_protein",
    "off-label use",
    "pathway_pathway",
    "pathway_protein",
    "phenotype_phenotype",
    "phenotype_protein",
    "protein_protein",
)
ENDS = [f"{end}_{part}" for end in "xy" for part in ("index", "id", "type", "name", "source")]
COLUMNS = ["relation", "display_relation", *ENDS]


@dataclass(frozen=True)
class PrimeKG(KnowledgeGraph):
    """PrimeKG, a knowledge graph of precision medicine."""

    files: ClassVar[dict[str, str]] = {"kg": "kg.csv of PrimeKG (doi:10.7910/DVN/IXA7BM), plain or .gz"}
    sources: ClassVar[dict[str, str]] = {"kg": "primekg_kg"}
    licence: ClassVar[str] = (
        "CC0 1.0 as published (doi:10.7910/DVN/IXA7BM); parts of it come from sources with terms of their "
        "own, among them DrugBank (CC BY-NC 4.0) and DisGeNET (CC BY-NC-SA 4.0)"
    )
    citation: ClassVar[str] = (
        "Chandak, Huang, Zitnik: Building a knowledge graph to enable precision medicine. Scientific Data "
        "10, 67 (2023). doi:10.1038/s41597-023-01960-3"
    )

    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read the graph; an edge's head is the end whose node id sorts first, so that it has one type."""
        path = given(files, "kg", self.files)
        require(path, header(path), COLUMNS)
        rows = pl.scan_csv(path, infer_schema=False, row_index_name="row", row_index_offset=2)
        # Two streaming passes: the names, which are long, never meet the rows, which are many.
        with explained(path):
            statements = _statements(rows).collect(engine="streaming")
            if statements.is_empty():
                raise InputError(f"{path}: a header and no rows; fetch it again")
            _check_statements(statements, rows, path)
            mentions = pl.concat([_mentions(rows, "x"), _mentions(rows, "y")]).collect(engine="streaming")
        nodes, index, code, node_counts = _nodes(mentions, path)
        edges, edge_counts = _edges(statements, nodes["node"], index, code)
        return KnowledgeGraphTables(nodes, edges, pl.concat([node_counts, edge_counts]))


def _statements(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Keep what an edge needs of each row, as codes: 20 bytes instead of about 100."""
    named = [
        pl.col(column).fill_null("") != "" for column in ENDS if column.endswith(("_id", "_type", "_source"))
    ]
    return rows.select(
        "row",
        pl.col("relation").cast(pl.Enum(RELATIONS), strict=False),
        pl.col("display_relation").cast(pl.Categorical),
        pl.col("x_index", "y_index").cast(pl.UInt32, strict=False),
        named=pl.all_horizontal(named),
    )


def _mentions(rows: pl.LazyFrame, end: str) -> pl.LazyFrame:
    """List the distinct nodes at one end of the rows."""
    return rows.select(
        pl.col(f"{end}_index").cast(pl.UInt32, strict=False).alias("index"),
        *[
            pl.col(f"{end}_{part}").alias(name)
            for part, name in {"type": "type", "source": "source", "id": "source_id", "name": "name"}.items()
        ],
    ).unique()


def _check_statements(statements: pl.DataFrame, rows: pl.LazyFrame, path: Path) -> None:
    """Raise InputError for the first row that does not state an edge between two nodes."""
    wrong = statements.filter(~pl.col("named") | pl.any_horizontal(pl.exclude("named").is_null()))
    if wrong.is_empty():
        return
    number = int(wrong["row"].sort()[0])
    row: dict[str, str] = rows.filter(pl.col("row") == number).collect().row(0, named=True)
    for column in COLUMNS:
        if not row[column] and not column.endswith("_name"):
            raise InputError(
                f"{path}: row {number}: no {column}, so the edge leads to a missing node or has no relation "
                f"({len(wrong)} such rows); mend or remove the row"
            )
        if column.endswith("_index") and not (row[column].isdecimal() and int(row[column]) < 2**32):
            raise InputError(
                f"{path}: row {number}: {column} is {row[column]!r}, not a whole number; mend the row"
            )
    raise InputError(
        f"{path}: row {number}: unknown relation {row['relation']!r}; known are PrimeKG's 30: "
        f"{', '.join(RELATIONS)}; rename it to one of these or remove the rows"
    )


def _nodes(mentions: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, np.ndarray, np.ndarray, pl.DataFrame]:
    """Return the nodes sorted by id; the file's indices, sorted, and the row of each in the nodes; counts."""
    keyed = mentions.with_columns(
        node=pl.concat_str("type", "source", "source_id", separator=":"),
        name=pl.when(pl.col("name").fill_null("") == "").then("source_id").otherwise("name"),
    ).unique()
    clash = (
        keyed.group_by("index")
        .agg(pl.col("node").unique().sort())
        .filter(pl.col("node").list.len() > 1)
        .sort("index")
    )
    if len(clash):
        index, (first, second, *_) = clash.row(0)
        raise InputError(
            f"{path}: index {index} is both {first!r} and {second!r}; give each node an index of its own"
        )
    names = keyed.select("node", "name").unique()
    # A node whose rows disagree on its name keeps the first in sorted order.
    nodes = (
        keyed.sort("node", "name")
        .unique("node", keep="first", maintain_order=True)
        .select("node", "type", "source", "source_id", "name")
    )
    numbered = (
        keyed.select("index", "node")
        .unique()
        .join(nodes.select("node").with_row_index("code"), on="node")
        .sort("index")
    )
    counts = counted(
        STAGE,
        "nodes and names",
        [
            ("read", len(names)),
            ("another name of the node sorts first", len(names) - len(nodes)),
            ("kept", len(nodes)),
        ],
    )
    return nodes, numbered["index"].to_numpy(), numbered["code"].to_numpy(), counts


def _edges(
    statements: pl.DataFrame, node: pl.Series, index: np.ndarray, code: np.ndarray
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return each undirected edge once, sorted, and what was removed to get there."""
    x, y = (code[np.searchsorted(index, statements[end].to_numpy())] for end in ("x_index", "y_index"))
    proper = x != y
    displays = statements["display_relation"].unique().cast(pl.String).sort()
    # A statement is one number, relation first, then head, tail, display relation and direction: sorted
    # once, all that repeats lies side by side, and numbers sort as the names that they stand for. 63 bits
    # are enough for 10 million nodes.
    key = statements["relation"].to_physical().to_numpy().astype(np.int64)
    for digit, base in (
        (np.minimum(x, y), len(node)),
        (np.maximum(x, y), len(node)),
        (statements["display_relation"].cast(pl.Enum(displays)).to_physical().to_numpy(), len(displays)),
        (x > y, 2),
    ):
        key = key * base + digit
    key = np.sort(key[proper])
    distinct = key[_first(key)]
    undirected = (distinct >> 1)[_first(distinct >> 1)]
    pair, display = np.divmod(undirected, len(displays))
    new = _first(pair)
    edge = pair[new]
    relation, head, tail = edge // len(node) ** 2, edge // len(node) % len(node), edge % len(node)
    told = pl.DataFrame({"edge": np.cumsum(new) - 1, "display": displays.gather(display)})
    told = told.with_columns(provenance=pl.format("primekg:{}", "display"))
    # Few pairs have two display relations (a drug's target that is also its carrier): one edge, both told.
    several = pl.col("edge").is_duplicated()
    joined = told.filter(several).group_by("edge").agg(pl.col("provenance").str.join(";"))
    provenance = pl.concat([told.filter(~several).select("edge", "provenance"), joined]).sort("edge")
    edges = pl.DataFrame(
        {
            "relation": pl.Series(RELATIONS).gather(relation),
            "head": node.gather(head),
            "tail": node.gather(tail),
            "provenance": provenance["provenance"],
        }
    )
    counts = [
        ("read", len(statements)),
        ("self-loop", len(statements) - len(key)),
        ("exact repeat of a row", len(key) - len(distinct)),
        ("second direction of an edge", len(distinct) - len(undirected)),
        ("same pair under another display relation", len(undirected) - len(edges)),
        ("kept", len(edges)),
    ]
    return edges, counted(STAGE, "edges", counts)


def _first(ordered: np.ndarray) -> np.ndarray:
    """Mark the first of each run of equal values."""
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first
