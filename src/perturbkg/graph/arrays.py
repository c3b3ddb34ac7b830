"""The merged graph as arrays: message edges in both directions, sorted by destination, and node vectors."""

import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from perturbkg.errors import InputError
from perturbkg.io.files import written_beside


@dataclass(frozen=True)
class Graph:
    """A graph of typed nodes and typed edges; each undirected edge is stored as two messages.

    Relation r of the forward message (head -> tail) has the code r, its inverse r + len(relations).
    Messages are sorted by (dst, relation, src), so a CSR index is one cumulative count away.
    """

    src: np.ndarray  # (messages,) int32
    dst: np.ndarray  # (messages,) int32
    relation: np.ndarray  # (messages,) int16, below 2 * len(relations)
    node_type: np.ndarray  # (nodes,) int16 codes into types
    types: list[str]
    relations: list[str]
    weight: np.ndarray | None = None  # (messages,) float32, above 0; None: every edge weighs 1

    @property
    def nodes(self) -> int:
        """Count the nodes."""
        return len(self.node_type)

    @classmethod
    def from_edges(
        cls,
        head: np.ndarray,
        tail: np.ndarray,
        relation: np.ndarray,
        *,
        node_type: np.ndarray,
        types: list[str],
        relations: list[str],
        weight: np.ndarray | None = None,
    ) -> "Graph":
        """Make the message arrays of undirected edges (edges,) given once each, which weigh 1 by default."""
        src = np.concatenate([head, tail]).astype(np.int32)
        dst = np.concatenate([tail, head]).astype(np.int32)
        both = np.concatenate([relation, np.asarray(relation) + len(relations)]).astype(np.int16)
        # One sort of one integer: a third of the time of np.lexsort((src, both, dst)), the same order.
        key = (dst.astype(np.int64) * (2 * len(relations)) + both) * len(node_type) + src
        order = np.argsort(key, kind="stable")
        kinds = np.asarray(node_type, np.int16), list(types), list(relations)
        if weight is not None:
            both_ways = np.concatenate([weight, weight]).astype(np.float32)[order]
            weight = None if (both_ways == 1).all() else both_ways
        return cls(src[order], dst[order], both[order], *kinds, weight)

    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return head, tail, relation of each undirected edge once: (edges,) each."""
        forward = self.relation < len(self.relations)
        return self.src[forward], self.dst[forward], self.relation[forward]

    def edge_weights(self) -> np.ndarray:
        """Return the weight of each edge, in the order of `edges`: (edges,) float32."""
        forward = self.relation < len(self.relations)
        return np.ones(forward.sum(), np.float32) if self.weight is None else self.weight[forward]

    def with_edges(
        self,
        head: np.ndarray,
        tail: np.ndarray,
        relation: np.ndarray,
        weight: np.ndarray | None = None,
    ) -> "Graph":
        """Return a graph of the same nodes with other edges, which weigh 1 by default."""
        return Graph.from_edges(
            head,
            tail,
            relation,
            node_type=self.node_type,
            types=self.types,
            relations=self.relations,
            weight=weight,
        )

    @cached_property
    def unweighted(self) -> "Graph":
        """Return the graph without the edges of those relations that have weights."""
        if self.weight is None:
            return self
        code = self.relation % len(self.relations)
        kept = ~np.isin(code, np.unique(code[self.weight != 1]))
        return replace(
            self, src=self.src[kept], dst=self.dst[kept], relation=self.relation[kept], weight=None
        )

    def save(self, path: str | Path) -> None:
        """Write graph.npz: plain arrays, no objects."""
        with written_beside(path) as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = {} if self.weight is None else {"weight": self.weight}
            np.savez(
                file,
                src=self.src,
                dst=self.dst,
                relation=self.relation,
                node_type=self.node_type,
                types=np.array(self.types),
                relations=np.array(self.relations),
                **arrays,
            )

    @classmethod
    def load(cls, path: str | Path) -> "Graph":
        """Read graph.npz; raise InputError for an invalid or truncated file."""
        try:
            # Opened here: numpy leaves a path open when what it finds there is broken.
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return cls(
                    file["src"],
                    file["dst"],
                    file["relation"],
                    file["node_type"],
                    [str(name) for name in file["types"]],
                    [str(name) for name in file["relations"]],
                    file.get("weight"),
                )
        except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not a merged graph ({error}); run merge_graph again") from error


@dataclass(frozen=True)
class Features:
    """Frozen vectors of the nodes of one type."""

    matrix: np.ndarray  # (nodes of the type, dim) float32; a row of zeros where nothing was encoded
    encoded: np.ndarray  # (nodes of the type,) bool: whether there was something to encode

    @classmethod
    def empty(cls, nodes: int) -> "Features":
        """Return features of no columns for nodes with nothing to encode."""
        return cls(np.zeros((nodes, 0), dtype=np.float32), np.zeros(nodes, dtype=bool))


def shared_beside(graph: str | Path) -> Path:
    """Return the folder where training jobs on a graph leave for each other what all of them would compute.

    It lies beside the graph's file, and may be deleted at any time.
    """
    return Path(graph).parent / "shared"
