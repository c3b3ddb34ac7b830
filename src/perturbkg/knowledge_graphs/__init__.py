"""Knowledge graphs: each file reads one published graph into the tables `Nodes` and `Edges`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl


@dataclass(frozen=True)
class KnowledgeGraphTables:
    """What a reader returns; the tables meet the models of the same names in `perturbkg.schemas`."""

    nodes: pl.DataFrame  # Nodes
    edges: pl.DataFrame  # Edges
    counts: pl.DataFrame  # Counts


@dataclass(frozen=True)
class KnowledgeGraph(ABC):
    """A published knowledge graph."""

    files: ClassVar[dict[str, str]]  # file key in the config -> what it is
    sources: ClassVar[
        dict[str, str]
    ]  # file key -> name in the catalogue of sources; {}: nobody publishes them
    licence: ClassVar[str]
    citation: ClassVar[str]

    @abstractmethod
    def read(self, files: dict[str, Path]) -> KnowledgeGraphTables:
        """Read the graph; an undirected edge comes out once, whichever way the source stores it."""
