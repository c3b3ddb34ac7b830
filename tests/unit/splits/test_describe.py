"""From signatures.h5ad to folds and their description, worked by hand on eight signatures."""

import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.io.files import read_json
from perturbkg.io.matrices import read_matrix, write_matrix

SCRIPTS = Path(__file__).parents[3] / "scripts"
make_split = runpy.run_path(str(SCRIPTS / "make_split.py"))["main"]
describe_fold = runpy.run_path(str(SCRIPTS / "describe_fold.py"))["main"]

#   drug, parent, scaffold, SMILES
DRUGS = [
    ("a", "PA", "c1ccccc1", "Cc1ccccc1"),
    ("a2", "PA", "c1ccccc1", "Cc1ccccc1"),
    ("b", "PB", "c1ccccc1", "CCc1ccccc1"),
    ("c", "PC", "", "CCO"),
    ("d", "PD", "", "CCCO"),
    ("e", "PE", "c1ccncc1", "Cc1ccncc1"),
]
#   signature, drug, cell, part
SIGNATURES = [
    ("s0", "a", "X", "train"),
    ("s1", "a", "Y", "train"),
    ("s2", "c", "X", "train"),
    ("s3", "e", "Y", "validation"),
    ("s4", "a2", "X", "test"),
    ("s5", "b", "Z", "test"),
    ("s6", "d", "Y", "test"),
    ("s7", "d", "Z", "left_out"),
]
CELLS = ["Z", "Y", "unused", "X"]


@pytest.fixture
def world(tmp_path):
    """Write the inputs of both scripts; return their paths."""
    paths = {
        name: tmp_path / f"{name}.parquet" for name in ("fold", "drugs", "cells", "graph_nodes", "test_drugs")
    }
    paths |= {"signatures": tmp_path / "signatures.h5ad", "cell_means": tmp_path / "means.h5ad"}
    paths |= {"graph": tmp_path / "graph.npz", "manifest": tmp_path / "manifest.json"}
    signatures = pl.DataFrame(SIGNATURES, schema=["signature", "drug", "cell", "part"], orient="row")
    delta = np.arange(8)[:, None] * np.array([1, 10, 100])
    var = pl.DataFrame({"entrez": ["1", "2", "3"], "symbol": ["G", "H", "I"]})
    write_matrix(delta, signatures.drop("part"), var, paths["signatures"])
    schemas.write(signatures.select("signature", "part"), schemas.Fold, paths["fold"])
    drugs = pl.DataFrame(DRUGS, schema=["drug", "parent", "scaffold", "smiles"], orient="row")
    missing = pl.lit(None, dtype=pl.String)
    drugs = drugs.select(
        "drug",
        pl.col("drug").alias("name"),
        "smiles",
        "parent",
        "scaffold",
        pl.lit([], dtype=pl.List(pl.String)).alias("targets"),
        missing.alias("kg_node"),
        missing.alias("match"),
    )
    schemas.write(drugs, schemas.Drugs, paths["drugs"])
    cells = pl.DataFrame({"cell": CELLS}).with_columns(
        missing.alias(name) for name in ("lineage", "disease", "description")
    )
    schemas.write(cells, schemas.Cells, paths["cells"])
    # Nodes: two KG drugs, a protein, the six L1000 drugs. a2 and b target the protein; d is KG drug 0, which
    # the protein handles.
    types = ["drug", "gene/protein", "lincs_drug"]
    relations = ["drug_protein", "lincs_drug_is_drug", "lincs_drug_targets_protein"]
    edges = np.array([(0, 2, 0), (5, 2, 2), (7, 0, 1), (4, 2, 2)])
    Graph.from_edges(
        *edges.T, node_type=np.array([0, 0, 1] + [2] * 6), types=types, relations=relations
    ).save(paths["graph"])
    nodes = ["drug:DrugBank:DB1", "drug:DrugBank:DB2", "gene/protein:NCBI:1"]
    nodes += [f"lincs_drug:{drug[0]}" for drug in DRUGS]
    graph_nodes = pl.DataFrame({"node": nodes, "type": "any", "name": "any", "row": range(9)})
    schemas.write(graph_nodes, schemas.GraphNodes, paths["graph_nodes"])
    return paths | {"evaluate": {}}


def test_test_drugs(world):
    describe_fold(**world)
    table = schemas.read(world["test_drugs"], schemas.TestDrugs)
    assert table["drug"].to_list() == ["a2", "b", "d"]
    assert table["nearest_drug"].to_list() == ["a", "a", "c"]  # e is in validation
    assert table["similarity"][0] == 1.0
    assert 0 < table["similarity"][1] < 1
    assert table["has_target"].to_list() == [True, True, False]


def test_manifest(world):
    describe_fold(**world)
    manifest = read_json(world["manifest"])
    quantiles = manifest["test_drugs"].pop("similarity_quantiles")
    assert manifest == {
        "signatures": {"train": 3, "validation": 1, "test": 3, "left_out": 1},
        "drugs": {"train": 2, "validation": 1, "test": 3, "left_out": 1},
        "drugs_shared": 0,
        "drugs_shared_validation": 0,
        "parents": {"train": 2, "validation": 1, "test": 3, "left_out": 1},
        "parents_shared": 1,  # PA: a and a2
        "parents_shared_validation": 0,
        "scaffolds": {"train": 1, "validation": 1, "test": 1, "left_out": 0},
        "scaffolds_shared": 1,
        "scaffolds_shared_validation": 0,
        "cells": {"train": 2, "validation": 1, "test": 3, "left_out": 1},
        "cells_shared": 2,
        "cells_shared_validation": 1,
        "scaffold_sizes": {
            "scaffolds": 2,
            "of_one_parent": 1,
            "median_parents": 1.5,
            "most_parents": 2,
            "most_signatures": 4,
            "acyclic_parents": 2,
        },
        "test_drugs": {"with_target": 2},
    }
    assert list(quantiles) == ["0.0", "0.25", "0.5", "0.75", "1.0"]
    assert quantiles["1.0"] == 1.0


def test_cell_means(world):
    describe_fold(**world)
    X, obs, var = read_matrix(world["cell_means"])
    # Training: X has s0 and s2, Y has s1; Z has none and gets the mean of 1 and 1.
    assert obs.to_dict(as_series=False) == {"cell": ["Z", "Y", "X"], "signatures": [0, 1, 2]}
    assert X.tolist() == [[1, 10, 100]] * 3
    assert var["symbol"].to_list() == ["G", "H", "I"]


def test_unequal_cell_means(world):
    X, obs, var = read_matrix(world["signatures"])
    X[0], X[2], X[1] = 1, 4, 0.5
    write_matrix(X, obs, var, world["signatures"])
    describe_fold(**world)
    means, _, _ = read_matrix(world["cell_means"])
    assert means[:, 0].tolist() == [1.5, 0.5, 2.5]  # Z: the cell means' mean, not the signatures'


def test_make_split_writes_every_fold_in_order(world, tmp_path):
    folds = [tmp_path / f"fold{k}.parquet" for k in range(2)]
    arguments = {key: world[key] for key in ("signatures", "drugs")}
    make_split(**arguments, folds=folds, split="random", options={}, validation=0.25, evaluate={}, seed=3)
    tables = [schemas.read(path, schemas.Fold) for path in folds]
    for table in tables:
        assert table["signature"].to_list() == [row[0] for row in SIGNATURES]
        assert dict(table["part"].value_counts().iter_rows()) == {"train": 2, "validation": 2, "test": 4}
    tested = [set(table.filter(part="test")["signature"]) for table in tables]
    assert tested[0].isdisjoint(tested[1]) and len(tested[0] | tested[1]) == 8
    before = [path.read_bytes() for path in folds]
    make_split(**arguments, folds=folds, split="random", options={}, validation=0.25, evaluate={}, seed=3)
    assert before == [path.read_bytes() for path in folds]


def test_the_manifest_counts_what_is_at_the_evaluated_condition(world):
    delta, obs, var = read_matrix(world["signatures"])
    dose = pl.Series("dose_um", [10.0, 1.0, 10.0, None, 1.0, 9.99, 10.0, 10.0])
    time = pl.Series("time_h", [24.0, 24.0, 6.0, 24.0, 24.0, 24.0, 6.0, 24.0])
    write_matrix(delta, obs.with_columns(dose, time), var, world["signatures"])
    parts = schemas.read(world["fold"], schemas.Fold)
    tested = pl.when(pl.col("signature").is_in(["s4", "s6"])).then(pl.lit("left_out")).otherwise("part")
    schemas.write(parts.with_columns(part=tested), schemas.Fold, world["fold"])
    describe_fold(**world | {"evaluate": {"dose_um": 10, "time_h": 24, "tolerance": 0.2}})
    manifest = read_json(world["manifest"])
    assert manifest["signatures"] == {"train": 3, "validation": 1, "test": 1, "left_out": 3}
    assert manifest["evaluate"] == {
        "dose_um": 10,
        "time_h": 24,
        "signatures": {"train": 1, "validation": 0, "test": 1},
        "left_out": {
            "dose_um is unknown": 0,
            "dose_um is not 10": 1,
            "time_h is unknown": 0,
            "time_h is not 24": 1,
        },
    }


def test_signatures_without_doses_cannot_be_tested_at_one(world, tmp_path):
    arguments = {key: world[key] for key in ("signatures", "drugs")}
    arguments |= {"folds": [tmp_path / "0", tmp_path / "1"], "validation": 0.25, "seed": 3}
    with pytest.raises(InputError, match=r"obs has no column 'dose_um'.*add the dose_um of each signature"):
        make_split(**arguments, split="random", options={}, evaluate={"dose_um": 10})


def test_unknown_option_and_split(world, tmp_path):
    arguments = {key: world[key] for key in ("signatures", "drugs")}
    arguments |= {"folds": [tmp_path / "0", tmp_path / "1"], "validation": 0.2, "evaluate": {}, "seed": 3}
    with pytest.raises(InputError, match="splits: unknown name 'scafold'"):
        make_split(**arguments, split="scafold", options={})
    with pytest.raises(InputError, match="unknown option 'size'"):
        make_split(**arguments, split="scaffold", options={"size": 3})


def rewritten(path, **columns):
    """Replace columns of the signatures' obs."""
    X, obs, var = read_matrix(path)
    write_matrix(X, obs.with_columns(**columns), var, path)


def test_an_unknown_drug_is_named(world):
    rewritten(world["signatures"], drug=pl.Series(["a", "zz", *["c"] * 6]))
    with pytest.raises(InputError, match="drug zz of signature s1 is not in the drug table; make both"):
        describe_fold(**world)


def test_an_unknown_cell_is_named(world):
    rewritten(world["signatures"], cell=pl.Series(["X", "HELA", *["X"] * 6]))
    with pytest.raises(InputError, match=r"cell line HELA is not in cells\.parquet; prepare"):
        describe_fold(**world)


def test_another_fold_is_refused(world):
    table = schemas.read(world["fold"], schemas.Fold)
    schemas.write(table.reverse(), schemas.Fold, world["fold"])
    with pytest.raises(InputError, match=r"are not those of signatures\.h5ad in their order; split"):
        describe_fold(**world)


def test_a_drug_outside_the_graph_is_named(world):
    nodes = schemas.read(world["graph_nodes"], schemas.GraphNodes)
    renamed = nodes.with_columns(node=pl.col("node").replace("lincs_drug:b", "lincs_drug:q"))
    schemas.write(renamed, schemas.GraphNodes, world["graph_nodes"])
    with pytest.raises(InputError, match="no node 'lincs_drug:b'; merge the graph"):
        describe_fold(**world)


def test_a_missing_column_and_a_truncated_file_are_one_line(world):
    X, obs, var = read_matrix(world["signatures"])
    write_matrix(X, obs.drop("cell"), var, world["signatures"])
    with pytest.raises(InputError, match="obs has no column 'cell'"):
        describe_fold(**world)
    world["signatures"].write_bytes(world["signatures"].read_bytes()[:500])
    with pytest.raises(InputError, match=r"signatures\.h5ad") as caught:
        describe_fold(**world)
    assert "\n" not in str(caught.value)


def test_a_repeated_signature_is_named(world):
    X, obs, var = read_matrix(world["signatures"])
    repeated = obs.with_columns(signature=pl.Series(["s0", "s0", *[f"s{i}" for i in range(2, 8)]]))
    with pytest.warns(UserWarning, match="not unique"):
        write_matrix(X, repeated, var, world["signatures"])
    with pytest.raises(InputError, match="signature s0 occurs more than once; keep one"):
        describe_fold(**world)
