"""Knowledge graphs: each file reads one graph into the tables `Nodes`, `Edges` and `Descriptions`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import polars as pl

from perturbkg.errors import InputError

STAGE = "read_knowledge_graph"  # of what readers count
DESCRIPTIONS = {"node": pl.String, "text": pl.String, "smiles": pl.String}


@dataclass(frozen=True)
class KnowledgeGraphTables:
    """What a reader returns; the tables meet the models of the same names in `perturbkg.schemas`."""

    nodes: pl.DataFrame  # Nodes
    edges: pl.DataFrame  # Edges
    counts: pl.DataFrame  # Counts
    descriptions: pl.DataFrame = field(  # Descriptions: what the graph itself says of its nodes, if anything
        default_factory=lambda: pl.DataFrame(schema=DESCRIPTIONS)
    )


@dataclass(frozen=True)
class KnowledgeGraph(ABC):
    """A published knowledge graph."""

    files: ClassVar[dict[str, str]]  # file key in the config -> what it is
    sources: ClassVar[dict[str, str]]  # file key -> its name in the catalogue; {}: not published
    licence: ClassVar[str]
    citation: ClassVar[str]

    @abstractmethod
    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read the graph; an undirected edge comes out once, whichever way the source stores it."""


def require_edges(tables: KnowledgeGraphTables, paths: Iterable[Path]) -> None:
    """Raise InputError for a graph without an edge, which says what became of what was read."""
    if tables.edges.is_empty():
        lines = tables.counts.filter(pl.col("count") > 0).select("what", "reason", "count").rows()
        raise InputError(
            f"{', '.join(map(str, paths))}: no edge between two nodes; "
            f"{', '.join(f'{what}: {reason} {count}' for what, reason, count in lines)}; give another graph"
        )
