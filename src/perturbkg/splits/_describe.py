"""Describe one fold: what its parts hold and share, and how far its test drugs are from training."""

from typing import Any

import numpy as np
import polars as pl

from perturbkg.drugs.fingerprints import fingerprints
from perturbkg.drugs.similarity import nearest
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.graph.types import DRUG_TARGETS_PROTEIN, LINCS_DRUG, node_id
from perturbkg.splits import PARTS


def describe(signatures: pl.DataFrame, test_drugs: pl.DataFrame) -> dict[str, Any]:
    """Count what each part of a fold holds, what train and test share, and how large scaffolds are.

    `signatures` has the columns of `Split.groups` and `part`; `test_drugs` is the fold's schemas.TestDrugs.
    An acyclic parent has no scaffold and is counted apart.
    """
    scaffolds = signatures.filter(pl.col("scaffold") != "")
    tables = {"drug": signatures, "parent": signatures, "scaffold": scaffolds, "cell": signatures}
    found: dict[str, Any] = {
        "signatures": {name: signatures.filter(part=name).height for name in (*PARTS, "left_out")}
    }
    for column, table in tables.items():
        held = {name: set(table.filter(part=name)[column]) for name in (*PARTS, "left_out")}
        found[f"{column}s"] = {name: len(values) for name, values in held.items()}
        found[f"{column}s_shared"] = len(held["train"] & held["test"])
        found[f"{column}s_shared_validation"] = len(held["train"] & held["validation"])
    parents = scaffolds.group_by("scaffold").agg(pl.col("parent").n_unique(), pl.len())
    found["scaffold_sizes"] = {
        "scaffolds": parents.height,
        "of_one_parent": parents.filter(pl.col("parent") == 1).height,
        "median_parents": parents["parent"].median(),
        "most_parents": parents["parent"].max(),
        "most_signatures": parents["len"].max(),
        "acyclic_parents": signatures.filter(scaffold="")["parent"].n_unique(),
    }
    found["test_drugs"] = {
        "with_target": int(test_drugs["has_target"].sum()),
        "similarity_quantiles": {
            str(q): test_drugs["similarity"].quantile(q, "linear") for q in (0.0, 0.25, 0.5, 0.75, 1.0)
        },
    }
    return found


def nearest_training_drugs(
    signatures: pl.DataFrame, drugs: pl.DataFrame, graph: Graph, graph_nodes: pl.DataFrame
) -> pl.DataFrame:
    """Return the schemas.TestDrugs of a fold; of equally near training drugs the first by id."""
    test, train = (
        drugs.filter(pl.col("drug").is_in(signatures.filter(part=part)["drug"].to_list())).sort("drug")
        for part in ("test", "train")
    )
    row, similarity = nearest(fingerprints(test), fingerprints(train))
    number = dict(zip(graph_nodes["node"], range(len(graph_nodes)), strict=True))
    try:
        nodes = [number[node_id(LINCS_DRUG, drug)] for drug in test["drug"]]
    except KeyError as error:
        raise InputError(f"graph/nodes.parquet: no node {error}; merge the graph with these drugs") from error
    return pl.DataFrame(
        {
            "drug": test["drug"],
            "nearest_drug": train["drug"][row],
            "similarity": similarity,
            "has_target": has_target(graph)[nodes],
        }
    )


def has_target(graph: Graph) -> np.ndarray:
    """Say of each node (nodes,) bool whether it has a known target, or is one."""
    head, tail, relation = graph.edges()
    known = graph.relations.index(DRUG_TARGETS_PROTEIN) if DRUG_TARGETS_PROTEIN in graph.relations else -1
    found = np.zeros(graph.nodes, dtype=bool)
    found[head[relation == known]] = found[tail[relation == known]] = True
    return found
