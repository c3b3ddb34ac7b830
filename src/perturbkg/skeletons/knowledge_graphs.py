"""Skeleton: say in one sentence which graph this reads, and from which files."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.delimited import given
from perturbkg.io.tallies import counted
from perturbkg.knowledge_graphs import STAGE, KnowledgeGraph, KnowledgeGraphTables
from perturbkg.knowledge_graphs._undirected import Statements, undirected

ENDS = ("a", "b")
COLUMNS = [f"{what}_{end}" for end in ENDS for what in ("entrez", "symbol")]


@dataclass(frozen=True)
class Skeleton(KnowledgeGraph):
    """Say what is in it: here, interactions of proteins, a row each."""

    # File key -> what the file is. A config gives its path: `files: {skeleton: path}`.
    files: ClassVar[dict[str, str]] = {
        "skeleton": "interactions: entrez_a, symbol_a, entrez_b, symbol_b (CSV, TSV or Parquet)"
    }
    # File key -> its name in sources/catalogue.yaml, if `source: download` is to fetch it.
    sources: ClassVar[dict[str, str]] = {}
    licence: ClassVar[str] = "say on which terms the graph may be used"
    citation: ClassVar[str] = "say what to cite"

    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read nodes and undirected edges, and count what was read, removed and kept."""
        path = given(files, "skeleton", self.files)
        table = tables.read(path, COLUMNS)
        for column in COLUMNS:
            if len(empty := table.filter(pl.col(column).is_null())):
                raise InputError(f"{path}: row {empty['row'][0]}: no {column}; fix or remove the row")
        # A node is called <type>:<source>:<source_id>. Node types and relations are PrimeKG's, where it has
        # them (`knowledge_graphs/_vocabulary.py`): encoders and ablations know those.
        ends = [
            table.select(
                node="gene/protein:NCBI:" + pl.col(f"entrez_{end}"),
                type=pl.lit("gene/protein"),
                source=pl.lit("NCBI"),
                source_id=f"entrez_{end}",
                name=f"symbol_{end}",
                index=pl.lit(None, pl.Int64),
            )
            for end in ENDS
        ]
        nodes = pl.concat(ends).unique("node", keep="first", maintain_order=True).sort("node")
        number = {node: row for row, node in enumerate(nodes["node"])}
        x, y = (end["node"].replace_strict(number, return_dtype=pl.Int64).to_numpy() for end in ends)
        edges, counts = undirected(
            Statements(x, y, x * 0, x * 0, relations=["protein_protein"], provenances=["skeleton"]),
            nodes["node"],
        )
        return KnowledgeGraphTables(
            nodes,
            edges,
            pl.concat(
                [
                    counted(STAGE, "nodes", [("read", len(nodes)), ("kept", len(nodes))]),
                    counted(STAGE, "edges", counts),
                ]
            ),
        )
