"""Ablations: each file takes one thing away from what a model is given, and the model is trained again."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perturbkg.data import Data
from perturbkg.graph.arrays import Features, Graph


@dataclass(frozen=True)
class Ablated:
    """The data that the model sees instead, and what really changed (e.g. the share of edges that moved)."""

    data: Data
    notes: dict[str, Any]  # JSON values; they end in run.json


@dataclass(frozen=True)
class Ablation(ABC):
    """A control: the same model on data that lacks one thing."""

    @abstractmethod
    def apply(self, data: Data, rng: np.random.Generator) -> Ablated:
        """Return ablated data; the argument is not changed."""


def without_edges(data: Data, removed: np.ndarray) -> Ablated:
    """Return data without the edges that are `removed`, (edges,) bool; notes: their number by relation."""
    head, tail, relation = data.graph.edges()
    counts = np.bincount(relation[removed], minlength=len(data.graph.relations))
    weight = data.graph.edge_weights()[~removed]
    graph = data.graph.with_edges(head[~removed], tail[~removed], relation[~removed], weight)
    names = dict(zip(data.graph.relations, counts.tolist(), strict=True))
    return Ablated(replace(data, graph=graph), {"edges_removed": {"all": int(removed.sum())} | names})


def edges_at(graph: Graph, nodes: np.ndarray) -> np.ndarray:
    """Return which edges (edges,) bool end at one of the nodes."""
    head, tail, _ = graph.edges()
    return np.isin(head, nodes) | np.isin(tail, nodes)


def blank(features: dict[str, Features], node_type: str) -> dict[str, Features]:
    """Return features in which no node of a type has anything to encode: zeros, and marked so."""
    return {
        name: Features(np.zeros_like(known.matrix), np.zeros_like(known.encoded))
        if name == node_type
        else known
        for name, known in features.items()
    }
