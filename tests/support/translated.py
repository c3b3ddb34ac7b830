"""Write a simulated world in the formats of OptimusKG and CCLE, and as a user's own tables."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.io.matrices import write_matrix
from perturbkg.knowledge_graphs import KnowledgeGraphTables
from perturbkg.knowledge_graphs._vocabulary import OPTIMUSKG_RELATIONS, OPTIMUSKG_TYPES
from perturbkg.knowledge_graphs.primekg import PrimeKG
from perturbkg.signatures.lincs2020 import LINCS2020

LABELS = {node_type: label for label, node_type in OPTIMUSKG_TYPES.items()}
RELATIONS = {relation: label for label, relation in OPTIMUSKG_RELATIONS.items()}
PREFIXES = {"GEN": "ENSG", "DIS": "MONDO_", "BPO": "GO_", "PWY": "R-HSA-", "DRG": "DB"}
LISTS = ("aliases", "targets", "xref")


def read_graph(files: dict[str, Path]) -> KnowledgeGraphTables:
    """Read the world's kg.csv."""
    return PrimeKG().read({"kg": files["kg"]})


def write_optimuskg(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Write nodes.parquet and edges.parquet; what PrimeKG has in another table are properties here."""
    graph = read_graph(files)
    smiles = dict(pl.read_csv(files["drug_text"]).select("generic_name", "smiles").drop_nulls().iter_rows())
    nodes = [
        (node, LABELS[node_type], name)
        for node, node_type, name in graph.nodes["node", "type", "name"].rows()
    ]
    ids = {node: f"{PREFIXES[label]}{number:07}" for number, (node, label, _) in enumerate(nodes)}
    properties = [
        json.dumps(
            {"symbol": name} if label == "GEN" else {"name": name, "canonical_smiles": smiles.get(name)}
        )
        for _, label, name in nodes
    ]
    edges = graph.edges.select("head", "tail", "relation").rows()
    labels = [RELATIONS[relation].partition(" ") for *_, relation in edges]
    tables = {
        "kg_nodes": pl.DataFrame(
            {"id": list(ids.values()), "label": [label for _, label, _ in nodes], "properties": properties}
        ),
        "kg_edges": pl.DataFrame(
            {
                "from": [ids[head] for head, _, _ in edges],
                "to": [ids[tail] for _, tail, _ in edges],
                "label": [label for label, _, _ in labels],
                "relation": [relation or "ASSOCIATED_WITH" for _, _, relation in labels],
                "undirected": False,
                "properties": "{}",
            }
        ),
    }
    return _written(tables, folder, "parquet")


def write_ccle(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Write the world's baseline as the expression of models, whose names are in another table."""
    baseline = pl.read_csv(files["baseline"], separator="\t", infer_schema_length=None)
    cells = baseline.to_series(0).cast(pl.String)
    models = pl.Series("", [f"ACH-{number:06}" for number in range(len(cells))])
    named = {gene: f"GENE{gene} ({gene})" for gene in baseline.columns[1:]}
    tables = {
        "ccle_expression": baseline.drop(baseline.columns[0]).rename(named).insert_column(0, models),
        "ccle_models": pl.DataFrame({"ModelID": models, "StrippedCellLineName": cells}),
    }
    return _written(tables, folder, "csv")


def write_own(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Write signatures (AnnData), compounds, cell lines and a graph as people may have them."""
    source = LINCS2020()
    genes, selection = source.genes(files), source.select(files, {}).selection
    deltas = np.empty((len(selection), len(genes.entrez)), np.float32)
    for rows, block in source.profiles(files, selection, genes, "level5"):
        deltas[rows] = block
    profiles = folder / "profiles.h5ad"
    write_matrix(deltas, selection.drop("merged"), pl.DataFrame({"entrez": genes.entrez}), profiles)
    compounds = source.compounds(files).table
    graph = read_graph(files)
    tables = {
        "compounds": compounds.drop("row").with_columns(pl.col(LISTS).list.join("|")),
        "cells": source.cell_lines(files).drop("row"),
        "kg_nodes": graph.nodes.drop("index"),
        "kg_edges": graph.edges,
    }
    return {"profiles": profiles, "geneinfo": files["geneinfo"], **_written(tables, folder, "csv")}


def _written(tables: dict[str, pl.DataFrame], folder: Path, form: str) -> dict[str, Path]:
    paths = {key: folder / f"{key}.{form}" for key in tables}
    for key, table in tables.items():
        getattr(table, f"write_{form}")(paths[key])
    return paths
