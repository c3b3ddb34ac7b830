"""Where a walk from each drug is after some steps, by type of node: few nodes are not lost among many."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from perturbkg.graph.arrays import Graph
from perturbkg.graph.diffusion import adjacency, normalise

BLOCK = 128  # seeds that walk side by side


def shares_by_type(
    graph: Graph, seeds: np.ndarray, *, steps: int, largest: int, without: Sequence[str] = ()
) -> dict[tuple[str, int], np.ndarray]:
    """Return (type, step) -> (seeds, nodes of the type) float32: S^step of each seed's indicator.

    S is the symmetrically normalised adjacency (`diffusion.normalise`). Types with more than `largest` nodes
    and those named in `without` are left out, and so is a block that no walk reaches.
    """
    spread = sp.csr_array(normalise(adjacency(graph)))
    count = np.bincount(graph.node_type, minlength=len(graph.types))
    kept = {
        name: np.flatnonzero(graph.node_type == code)
        for code, name in enumerate(graph.types)
        if name not in without and 0 < count[code] <= largest
    }
    found = {
        (name, step): np.zeros((len(seeds), len(nodes)), np.float32)
        for name, nodes in kept.items()
        for step in range(1, steps + 1)
    }
    for first in range(0, len(seeds), BLOCK):
        part = seeds[first : first + BLOCK]
        walk = np.zeros((graph.nodes, len(part)), np.float32)
        walk[part, np.arange(len(part))] = 1
        for step in range(1, steps + 1):
            walk = spread @ walk
            for name, nodes in kept.items():
                found[name, step][first : first + len(part)] = walk[nodes].T
    return {key: shares for key, shares in found.items() if shares.any()}
