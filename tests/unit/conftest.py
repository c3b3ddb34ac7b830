"""Small files as a training job reads them, written by hand."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.graph.arrays import Features, Graph
from perturbkg.io.matrices import write_matrix

DRUGS, CELLS, GENES = ["BRD-1", "BRD-2", "BRD-3", "BRD-4"], ["A375", "MCF7"], 6
SMILES = ["CCO", "CCN", "c1ccccc1", "c1ccncc1"]
TARGETS = [["EGFR", "TP53"], [], ["TP53"], ["EGFR"]]
PARTS = ["train", "test", "train", "validation", "left_out", "train", "test", "train"]
FEATURES = ("lincs_drug.morgan", "cell_line.baseline")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return argument -> path of what `load_data` and `load_parts` read, features by file name."""
    # Imported here, for the tests of an installation without safetensors.
    from perturbkg.graph.features import write_features  # noqa: PLC0415

    rng = np.random.default_rng(0)
    paths = {
        name: tmp_path / name
        for name in (
            *("signatures.h5ad", "fold.parquet", "drugs.parquet", "targets.parquet", "cells.parquet"),
            "baseline.h5ad",
        )
    }
    paths |= {"graph.npz": tmp_path / "graph.npz", "graph_nodes.parquet": tmp_path / "nodes.parquet"}
    nodes = pl.DataFrame(
        {
            "node": [
                *(f"cell_line:{cell}" for cell in CELLS),
                "gene/protein:NCBI:1",
                "gene/protein:NCBI:5",
                *(f"lincs_drug:{drug}" for drug in DRUGS),
            ],
            "type": ["cell_line"] * 2 + ["gene/protein"] * 2 + ["lincs_drug"] * 4,
            "name": [*CELLS, "G1", "G5", *DRUGS],
            "row": [0, 1, 0, 1, 0, 1, 2, 3],
        }
    )
    schemas.write(nodes, schemas.GraphNodes, paths["graph_nodes.parquet"])
    Graph.from_edges(
        np.array([4, 5, 6, 0]),
        np.array([2, 2, 3, 3]),
        np.array([0, 0, 0, 1]),
        node_type=np.array([0, 0, 1, 1, 2, 2, 2, 2]),
        types=["cell_line", "gene/protein", "lincs_drug"],
        relations=["lincs_drug_targets_protein", "cell_expresses_protein"],
    ).save(paths["graph.npz"])
    drugs = pl.DataFrame(
        {
            "drug": DRUGS,
            "name": DRUGS,
            "smiles": SMILES,
            "parent": ["P1", "P2", "P3", "P4"],
            "scaffold": ["", "", "c1ccccc1", "c1ccncc1"],
            "targets": TARGETS,
            "kg_node": [None] * 4,
            "match": [None] * 4,
        },
        schema_overrides={"targets": pl.List(pl.String), "kg_node": pl.String, "match": pl.String},
    )
    schemas.write(drugs, schemas.Drugs, paths["drugs.parquet"])
    known = [(drug, symbol) for drug, of in zip(DRUGS, TARGETS, strict=True) for symbol in of]
    targets = pl.DataFrame(known, schema=["drug", "symbol"], orient="row").select(
        "drug",
        pl.lit(None, pl.String).alias("target"),
        "symbol",
        match=pl.lit("none"),
        source=pl.lit("compound table"),
        molecule="drug",
        weight=pl.lit(1.0),
        similarity=pl.lit(1.0),
        neighbours=pl.lit(1, pl.Int64),
    )
    schemas.write(targets, schemas.Targets, paths["targets.parquet"])
    nothing = pl.Series([None] * 2, dtype=pl.String)
    cells = pl.DataFrame({"cell": CELLS, "lineage": nothing, "disease": nothing, "description": nothing})
    schemas.write(cells, schemas.Cells, paths["cells.parquet"])
    var = pl.DataFrame(
        {
            "entrez": [str(g) for g in range(1, GENES + 1)],
            "symbol": [f"G{g}" for g in range(1, GENES + 1)],
        }
    )
    baseline = rng.normal(8, 1, (2, GENES)).astype(np.float32)
    write_matrix(baseline, pl.DataFrame({"cell": CELLS}), var, paths["baseline.h5ad"])
    obs = pl.DataFrame(
        {
            "signature": [f"S{s}" for s in range(8)],
            "drug": [DRUGS[s // 2] for s in range(8)],
            "cell": [CELLS[s % 2] for s in range(8)],
            "dose_um": pl.Series([10.0, 1.0, 10.0, None, 0.1, 10.0, 3.0, 10.0]),
            "time_h": pl.Series([24.0, 6.0, 24.0, 24.0, 24.0, 24.0, None, 24.0]),
        }
    )
    delta = rng.normal(size=(8, GENES)).astype(np.float32)
    write_matrix(delta, obs, var, paths["signatures.h5ad"])
    fold = pl.DataFrame({"signature": obs["signature"], "part": PARTS})
    schemas.write(fold, schemas.Fold, paths["fold.parquet"])
    matrices = [np.eye(4, dtype=np.float32), baseline]
    for name, matrix in zip(FEATURES, matrices, strict=True):
        node_type, encoder = name.split(".")
        paths[name] = tmp_path / f"{name}.safetensors"
        features = Features(matrix, np.ones(len(matrix), bool))
        write_features(features, paths[name], node_type=node_type, encoder=encoder, options={})
    return paths
