"""Write nodes and edges as OptimusKG's gold tables have them: properties are JSON."""

import json
from pathlib import Path

import polars as pl

NODES = [
    ("ENSG00000146648", "GEN", {"symbol": "EGFR", "name": "epidermal growth factor receptor"}),
    ("ENSG00000141510", "GEN", {"symbol": "TP53", "description": "A tumour suppressor."}),
    ("DB00317", "DRG", {"name": "Gefitinib", "canonical_smiles": "COc1cc2ncnc(Nc3ccccc3)c2cc1OC"}),
    ("MONDO_0005148", "DIS", {"name": "type 2 diabetes"}),
    ("GO:0006915", "BPO", None),
]
EDGES = [
    ("DB00317", "ENSG00000146648", "DRG-GEN", "TARGET"),
    ("DB00317", "ENSG00000146648", "DRG-GEN", "INHIBITOR"),
    ("ENSG00000146648", "ENSG00000141510", "GEN-GEN", "INTERACTS_WITH"),
    ("ENSG00000141510", "ENSG00000146648", "GEN-GEN", "INTERACTS_WITH"),
    ("ENSG00000141510", "ENSG00000141510", "GEN-GEN", "INTERACTS_WITH"),
    ("ENSG00000141510", "MONDO_0005148", "DIS-GEN", "ASSOCIATED_WITH"),
    ("GO:0006915", "ENSG00000141510", "BPO-GEN", "INTERACTS_WITH"),
    ("GO:0006915", "DB00317", "BPO-GEN", "INTERACTS_WITH"),  # a drug is not a gene
]


def write(folder: Path) -> None:
    """Write kg_nodes.parquet and kg_edges.parquet."""
    rows = [(key, label, "" if found is None else json.dumps(found)) for key, label, found in NODES]
    nodes = pl.DataFrame(rows, schema=["id", "label", "properties"], orient="row")
    nodes.write_parquet(folder / "kg_nodes.parquet")
    edges = pl.DataFrame(EDGES, schema=["from", "to", "label", "relation"], orient="row")
    edges.with_columns(undirected=pl.lit(value=False), properties=pl.lit("{}")).write_parquet(
        folder / "kg_edges.parquet"
    )
