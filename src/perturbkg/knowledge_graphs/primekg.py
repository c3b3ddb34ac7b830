"""Read PrimeKG's kg.csv, or any graph in its columns, into nodes and undirected edges.

The file holds each edge in both directions, one statement a row. Nodes are those that its rows name.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import ROW, given, header, lines_of, require, scanned
from perturbkg.io.tallies import counted
from perturbkg.knowledge_graphs import STAGE, KnowledgeGraph, KnowledgeGraphTables
from perturbkg.knowledge_graphs._undirected import Statements, undirected
from perturbkg.knowledge_graphs._vocabulary import RELATIONS

_log = logging.getLogger(__name__)

ENDS = [f"{end}_{part}" for end in "xy" for part in ("index", "id", "type", "name", "source")]
COLUMNS = ["relation", "display_relation", *ENDS]


@dataclass(frozen=True)
class PrimeKG(KnowledgeGraph):
    """PrimeKG, a knowledge graph of precision medicine."""

    files: ClassVar[dict[str, str]] = {"kg": "kg.csv of PrimeKG (doi:10.7910/DVN/IXA7BM)"}
    sources: ClassVar[dict[str, str]] = {
        "kg": "primekg_kg",
        "drug_features": "primekg_drug_features",
        "disease_features": "primekg_disease_features",
    }
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
        # Two streaming passes: the names, which are long, never meet the rows, which are many.
        with scanned(path) as found, _quotes_explained(path):
            rows = found.select(pl.col(ROW).alias("row"), *COLUMNS)
            statements = _statements(rows).collect(engine="streaming")
            if statements.is_empty():
                raise InputError(f"{path}: a header and no rows; fetch it again")
            _check_statements(statements, rows, path)
            mentions = pl.concat([_mentions(rows, "x"), _mentions(rows, "y")]).collect(engine="streaming")
        # A quotation mark that opens nothing can swallow whole rows, up to the next one.
        swallowed = mentions.filter(pl.any_horizontal(pl.col(pl.String).str.contains("\n", literal=True)))
        if len(swallowed):
            _refuse_stray_quote(path)
        nodes, index, code, node_counts = _nodes(mentions, path)
        x, y = (code[np.searchsorted(index, statements[end].to_numpy())] for end in ("x_index", "y_index"))
        displays = statements["display_relation"].unique().cast(pl.String).sort()
        provenance = statements["display_relation"].cast(pl.Enum(displays)).to_physical()
        edges, edge_counts = undirected(
            Statements(
                x,
                y,
                statements["relation"].to_physical().to_numpy(),
                provenance.to_numpy(),
                RELATIONS,
                [f"primekg:{display}" for display in displays],
            ),
            nodes["node"],
        )
        return KnowledgeGraphTables(
            nodes,
            edges,
            pl.concat(
                [
                    node_counts,
                    counted(STAGE, "edges", edge_counts),
                    counted(STAGE, "directions of edges", _directions(dict(edge_counts), statements, path)),
                ]
            ),
        )


def _directions(edges: dict[str, int], statements: pl.DataFrame, path: Path) -> list[tuple[str, int]]:
    """Count edges, of each provenance, that the file states in both directions and in one only.

    PrimeKG's file states every edge in both, so that one which was cut at the end of a line, and looks whole,
    lacks the second direction of some.
    """
    both = edges["second direction of an edge"]
    one = edges["kept"] + edges["same pair under another provenance"] - both
    if one:
        _log.warning(
            "%s: %d of %d edges are stated in one direction only; PrimeKG states each in both: if this is "
            "its file, it was cut, and ends at row %d; fetch it again",
            path,
            one,
            one + both,
            statements["row"].max(),
        )
    return [("stated in both directions", both), ("stated in one direction only", one)]


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
                f"({len(wrong)} such rows); fix or remove the row"
            )
        if column.endswith("_index") and not (row[column].isdecimal() and int(row[column]) < 2**32):
            raise InputError(
                f"{path}: row {number}: {column} is {row[column]!r}, not a whole number; fix the row"
            )
    raise InputError(
        f"{path}: row {number}: unknown relation {row['relation']!r}; known are PrimeKG's 30: "
        f"{', '.join(RELATIONS)}; rename it to one of these or remove the rows"
    )


@contextmanager
def _quotes_explained(path: Path) -> Iterator[None]:
    """Name the row of a stray quotation mark where Polars could not make sense of the file."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        _refuse_stray_quote(path, error)
        raise


def _refuse_stray_quote(path: Path, cause: Exception | None = None) -> None:
    """Raise InputError for the first row with an odd number of quotation marks, if there is one.

    No field of kg.csv holds a line break, so that a row is a line.
    """
    with lines_of(path) as lines:
        odd = next((row for row, line in enumerate(lines, start=1) if line.count('"') % 2), None)
    if odd is not None:
        raise InputError(
            f"{path}: row {odd}: a stray quotation mark; remove it, or write it twice and put the "
            "field between quotation marks"
        ) from cause


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
            f"{path}: index {index} is both {first!r} and {second!r}; give each node its own index"
        )
    names = keyed.select("node", "name").unique()
    indices = keyed.select("node", "index").unique().sort("node", "index")
    # A node whose rows disagree on its name keeps the first in sorted order; so with its index.
    nodes = (
        keyed.sort("node", "name")
        .unique("node", keep="first", maintain_order=True)
        .with_columns(index=indices.unique("node", keep="first", maintain_order=True)["index"].cast(pl.Int64))
        .select("node", "type", "source", "source_id", "name", "index")
    )
    numbered = indices.join(nodes.select("node").with_row_index("code"), on="node").sort("index")
    counts = counted(
        STAGE,
        "nodes and names",
        [
            ("read", len(names)),
            ("another name of the node sorts first", len(names) - len(nodes)),
            ("kept", len(nodes)),
            *((f"of these: {quirk}", count) for quirk, count in _quirks(nodes, path).items()),
            (
                "of these: with several indices, the first kept",
                indices.filter(pl.col("node").is_duplicated())["node"].n_unique(),
            ),
        ],
    )
    return nodes, numbered["index"].to_numpy(), numbered["code"].to_numpy(), counts


def _quirks(nodes: pl.DataFrame, path: Path) -> dict[str, int]:
    """Count ids that are easily misread, all of them kept as the text that they are."""
    ids = nodes["source_id"]
    decimal = nodes.filter(ids.str.contains(r"^\d+\.0+$"))
    if len(decimal):
        _log.warning(
            "%s: %d ids are written as decimal numbers, first %r of %r; they are kept so, and find no id of "
            "another table",
            path,
            len(decimal),
            decimal["source_id"][0],
            decimal["name"][0],
        )
    return {
        "grouped ids (13924_12592)": len(nodes.filter(ids.str.contains(r"^\d+(_\d+)+$"))),
        "ids that look like numbers, kept as text": len(nodes.filter(ids.str.contains(r"^\d+$"))),
        "ids written as decimal numbers (9606.0)": len(decimal),
    }
