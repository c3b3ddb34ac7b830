"""Keep the vectors of the nodes of one type in a safetensors file, and read those of all types."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.io.files import written_beside

# safetensors writes several metadata entries in an order that differs from process to process, so that equal
# features would differ in bytes: one entry holds all, as JSON with sorted keys.
_METADATA = "perturbkg"


def write_features(
    features: Features, path: str | Path, *, node_type: str, encoder: str, options: dict[str, Any]
) -> None:
    """Write `matrix` float32 (n, dim) and `encoded` uint8 (n,), with what made them."""
    made_by = {"encoder": encoder, "node_type": node_type, "options": options}
    with written_beside(path) as temporary:
        save_file(
            {
                "matrix": np.ascontiguousarray(features.matrix, dtype=np.float32),
                "encoded": features.encoded.astype(np.uint8),
            },
            temporary,
            metadata={_METADATA: json.dumps(made_by, sort_keys=True)},
        )


def read_features(
    paths: Sequence[str | Path], graph_nodes: pl.DataFrame, fusion: str = "concatenate"
) -> dict[str, Features]:
    """Return the features of every node type of `GraphNodes`.

    Several files of one type are fused in the order of `paths`: `concatenate` puts them side by side, `mean`
    averages the vectors that a node has, each scaled to length 1, which must be of equal width. A node is
    encoded if one of them encoded it. A type without a file has no columns, and a file without rows may be
    of a type that the graph lacks. Raises InputError for a file of another graph, and for vectors that
    cannot be averaged.
    """
    counts = dict(graph_nodes.group_by("type").len().sort("type").iter_rows())
    parts: dict[str, list[Features]] = {node_type: [] for node_type in counts}
    for path in paths:
        node_type, features = _read(path)
        if len(features.matrix) != counts.get(node_type, 0):
            raise InputError(
                f"{path}: {len(features.matrix)} rows, but the graph has {counts.get(node_type, 0)} nodes "
                f"of the type {node_type!r}; run embed_nodes again"
            )
        if node_type in counts:
            parts[node_type].append(features)
    fuse = {"concatenate": _concatenated, "mean": _mean}[fusion]
    return {
        node_type: fuse(several, node_type) if several else Features.empty(counts[node_type])
        for node_type, several in parts.items()
    }


def _concatenated(parts: list[Features], _: str) -> Features:
    """Put the vectors of each node side by side."""
    return Features(
        np.concatenate([part.matrix for part in parts], axis=1),
        np.logical_or.reduce([part.encoded for part in parts]),
    )


def _mean(parts: list[Features], node_type: str) -> Features:
    """Average the vectors that each node has, scaled to length 1 so that none outweighs another."""
    widths = {part.matrix.shape[1] for part in parts}
    if len(widths) > 1:
        raise InputError(
            f"fusion: mean needs vectors of equal width, and those of {node_type!r} have "
            f"{', '.join(map(str, sorted(widths)))} columns; use concatenate, or other encoders"
        )
    total = np.zeros_like(parts[0].matrix)
    for part in parts:
        length = np.linalg.norm(part.matrix, axis=1, keepdims=True)
        total += np.divide(part.matrix, length, out=np.zeros_like(part.matrix), where=length > 0)
    having = np.sum([part.encoded for part in parts], axis=0)
    return Features(total / np.maximum(having, 1)[:, None].astype(np.float32), having > 0)


def _read(path: str | Path) -> tuple[str, Features]:
    """Return the node type and the features of one file."""
    try:
        with safe_open(path, framework="numpy") as file:
            made_by = json.loads((file.metadata() or {})[_METADATA])
            return made_by["node_type"], Features(file.get_tensor("matrix"), file.get_tensor("encoded") > 0)
    except (SafetensorError, OSError, KeyError) as error:
        raise InputError(f"{path}: not a file of node features ({error}); run embed_nodes again") from error
