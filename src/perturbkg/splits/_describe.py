"""Describe one fold: what its parts hold and share, how far test drugs are, the mean of each cell line."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from perturbkg.drugs.fingerprints import fingerprints
from perturbkg.drugs.similarity import nearest
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.graph.types import DRUG_IS_DRUG, DRUG_TARGETS_PROTEIN, LINCS_DRUG, node_id
from perturbkg.io.matrices import ROWS_AT_ONCE, read_rows
from perturbkg.splits import PARTS

DRUG_PROTEIN = "drug_protein"  # PrimeKG's relation of a drug to a protein that it binds


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
    """Say of each node (nodes,) bool whether it has a target: an edge of its own, or of the same KG drug."""
    head, tail, relation = graph.edges()

    def edges_of(name: str) -> tuple[np.ndarray, np.ndarray]:
        chosen = relation == (graph.relations.index(name) if name in graph.relations else -1)
        return head[chosen], tail[chosen]

    own = np.zeros(graph.nodes, dtype=bool)
    for name in (DRUG_TARGETS_PROTEIN, DRUG_PROTEIN):
        for ends in edges_of(name):
            own[ends] = True
    found = own.copy()
    one, other = edges_of(DRUG_IS_DRUG)
    np.logical_or.at(found, one, own[other])
    np.logical_or.at(found, other, own[one])
    return found


def mean_profiles(
    path: str | Path, signatures: pl.DataFrame, cells: pl.DataFrame
) -> tuple[np.ndarray, pl.DataFrame]:
    """Return the mean training profile of each cell line (cells, genes) float32, and cell, signatures (int).

    `signatures` are the rows of signatures.h5ad (`path`), read in blocks, with their `part`. Rows are
    the cell lines that occur in it, in the order of `cells`; raises InputError for one that `cells` lacks.

    ASSUME: a cell line without a training signature gets the mean of the training cell lines' means.
    """
    present = cells.filter(pl.col("cell").is_in(signatures["cell"].unique().to_list()))["cell"]
    missing = sorted(set(signatures["cell"]) - set(present))
    if missing:
        raise InputError(f"{path}: cell line {missing[0]} is not in cells.parquet; prepare the cells again")
    number = dict(zip(present, range(len(present)), strict=True))
    cell = signatures["cell"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    train = np.flatnonzero(signatures["part"] == "train")
    total: np.ndarray | float = 0.0
    for start in range(0, len(train), ROWS_AT_ONCE):
        rows = train[start : start + ROWS_AT_ONCE]
        member = sp.csr_array(
            (np.ones(len(rows)), (cell[rows], np.arange(len(rows)))), shape=(len(present), len(rows))
        )
        total = total + member @ read_rows(path, rows).astype(np.float64)
    count = np.bincount(cell[train], minlength=len(present))
    means = total / np.maximum(count, 1)[:, None]
    means[count == 0] = means[count > 0].mean(axis=0)
    return means.astype(np.float32), pl.DataFrame({"cell": present, "signatures": count})
