"""Encode the nodes of one type, each distinct input once, and count those with nothing to encode."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from perturbkg.encoders import Encoder
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.graph.types import NODE_TYPES
from perturbkg.io.scripting import progress
from perturbkg.io.tallies import counted
from perturbkg.plugins import nearest

_log = logging.getLogger(__name__)


def encode_nodes(
    encoder: Encoder, inputs: pl.DataFrame, node_type: str, baseline: np.ndarray
) -> tuple[Features, dict[str, int]]:
    """Encode the nodes of one type (rows of `NodeInputs`, in their order), each distinct input once.

    `baseline` (cells, genes) is read by encoders of that modality only. A node with nothing to encode gets
    zeros and `encoded` False. What the encoder remarks comes second: what -> of how many nodes. A type of
    PrimeKG that this graph lacks has no rows; for any other type that it lacks, InputError is raised.
    """
    of_type = inputs.filter(type=node_type)
    if of_type.is_empty():
        known = ", ".join(inputs["type"].unique().sort())
        problem = f"no node has the type {node_type!r}"
        # One config serves graphs of more and of fewer types. A name that PrimeKG does not use either is
        # more likely a mistake.
        if node_type not in NODE_TYPES:
            raise InputError(
                f"config: encoders: {problem}{nearest(node_type, inputs['type'].unique())}; types of this "
                f"graph are {known}. Correct the name, or write `{node_type}: []`"
            )
        _log.warning("%s, so that its encoders do nothing; types of this graph are %s", problem, known)
    if encoder.modality == "none":
        return Features.empty(of_type.height), {}
    values = of_type.select(value=encoder.modality)
    distinct = values.drop_nulls().unique(maintain_order=True).with_row_index("at")
    if distinct.is_empty():
        return Features.empty(of_type.height), dict.fromkeys(encoder.remarks(), 0)
    items: Any = distinct["value"].to_list()
    if encoder.modality == "baseline":
        items = baseline[items]  # row numbers until here
    at = values.join(distinct, on="value", how="left", maintain_order="left")["at"]
    place = at.cast(pl.Int64).fill_null(-1).to_numpy()  # of each node's input among the distinct ones
    matrix = np.zeros((of_type.height, 0), dtype=np.float32)
    for start in progress(range(0, len(items), encoder.block)):
        vectors = encoder.encode(items[start : start + encoder.block])
        if start == 0:  # only now is the width known
            matrix = np.zeros((of_type.height, vectors.shape[1]), dtype=np.float32)
        rows = np.flatnonzero((place >= start) & (place < start + len(vectors)))
        matrix[rows] = vectors[place[rows] - start]
    encoded = place >= 0
    remarks = {what: int(true[place[encoded]].sum()) for what, true in encoder.remarks().items()}
    return Features(matrix, encoded), remarks


def tally(
    features: Features, node_type: str, modality: str, encoder: str, remarks: Mapping[str, int]
) -> pl.DataFrame:
    """Return `Counts`: how many nodes of a type had something to encode, and what the encoder remarks."""
    encoded = int(features.encoded.sum())
    lines = [
        ("read", len(features.encoded)),
        ("nothing to encode", len(features.encoded) - encoded),
        ("kept", encoded),
        *([] if len(features.encoded) else [("the graph has no node of this type", 0)]),
        *((f"of these: {remark}", count) for remark, count in remarks.items()),
    ]
    return counted("embed_nodes", f"{node_type} {modality} by {encoder}", lines)
