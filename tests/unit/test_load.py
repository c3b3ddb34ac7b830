"""Loading: the data for a model are aligned, and do not contain test deltas."""

from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.data import Data, Signatures
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.io.matrices import read_matrix, write_matrix
from perturbkg.load import Parts, load_data, load_parts, scaffold_numbers, target_matrices


def load(files: dict[str, Path]) -> Data:
    return load_data(
        graph=files["graph.npz"],
        graph_nodes=files["graph_nodes.parquet"],
        features=[files["lincs_drug.morgan"], files["cell_line.baseline"]],
        drugs=files["drugs.parquet"],
        targets=files["targets.parquet"],
        cells=files["cells.parquet"],
        baseline=files["baseline.h5ad"],
    )


def parts_of(files: dict[str, Path]) -> Parts:
    return load_parts(files["signatures.h5ad"], files["fold.parquet"], load(files))


def test_data_is_aligned(files: dict[str, Path]):
    data = load(files)
    assert data.drugs == ["BRD-1", "BRD-2", "BRD-3", "BRD-4"]
    assert data.cells == ["A375", "MCF7"]
    assert data.genes == ["G1", "G2", "G3", "G4", "G5", "G6"]
    np.testing.assert_array_equal(data.drug_node, [4, 5, 6, 7])
    np.testing.assert_array_equal(data.cell_node, [0, 1])
    np.testing.assert_array_equal(data.gene_node, [2, -1, -1, -1, 3, -1])
    np.testing.assert_array_equal(data.drug_features, np.eye(4))
    np.testing.assert_array_equal(data.cell_features, data.baseline)
    assert data.features["gene/protein"].matrix.shape == (2, 0)
    assert data.fingerprints.shape == (4, 2048)
    assert data.fingerprints.dtype == np.uint8
    assert set(np.unique(data.fingerprints)) == {0, 1}
    # columns: EGFR, TP53
    np.testing.assert_array_equal(data.targets.toarray(), [[1, 1], [0, 0], [0, 1], [1, 0]])


def test_parts_by_hand(files: dict[str, Path]):
    parts = parts_of(files)
    delta, _, _ = read_matrix(files["signatures.h5ad"])
    np.testing.assert_array_equal(parts.train.drug, [0, 1, 2, 3])
    np.testing.assert_array_equal(parts.train.cell, [0, 0, 1, 1])
    np.testing.assert_array_equal(parts.train.delta, delta[[0, 2, 5, 7]])
    np.testing.assert_array_equal(parts.validation.delta, delta[[3]])
    np.testing.assert_array_equal(parts.test.drug, [0, 3])
    np.testing.assert_array_equal(parts.test.dose, np.array([1, 3], np.float32))
    np.testing.assert_array_equal(parts.test.time, np.array([6, np.nan], np.float32))
    np.testing.assert_array_equal(parts.validation.dose, [np.nan])
    np.testing.assert_array_equal(parts.train.dose, [10, 10, 10, 10])
    assert parts.train.dose.dtype == parts.train.time.dtype == np.float32
    assert parts.test_labels.rows() == [("S1", "BRD-1", "MCF7"), ("S6", "BRD-4", "A375")]
    assert parts.var.columns == ["entrez", "symbol"]


def test_a_test_delta_is_not_reachable(files: dict[str, Path]):
    before = parts_of(files)
    assert not isinstance(before.test, Signatures)
    delta, obs, var = read_matrix(files["signatures.h5ad"])
    delta[[1, 6]] = 1e6  # the test part
    write_matrix(delta, obs, var, files["signatures.h5ad"])
    after = parts_of(files)
    for part in ("train", "validation"):
        np.testing.assert_array_equal(getattr(after, part).delta, getattr(before, part).delta)


@pytest.mark.parametrize("column", ["dose_um", "time_h"])
def test_a_dose_or_time_without_a_logarithm_is_named(files: dict[str, Path], column: str):
    delta, obs, var = read_matrix(files["signatures.h5ad"])
    changed = obs.with_columns(pl.Series(column, [10.0, 24.0, 0.0, 1.0, None, 5.0, -3.0, 1.0]))
    write_matrix(delta, changed, var, files["signatures.h5ad"])
    with pytest.raises(InputError, match=rf"{column} of signature S2 is 0, .* \(2 such\); correct it"):
        parts_of(files)


def test_acyclic_parents_are_alone():
    drugs = pl.DataFrame(
        {"parent": ["A", "B", "A", "C", "D"], "scaffold": ["", "", "", "c1ccccc1", "c1ccccc1"]}
    )
    groups = scaffold_numbers(drugs)
    assert groups[0] == groups[2] != groups[1]
    assert groups[3] == groups[4]
    assert len(set(groups)) == 3


def targets_of(rows: list[tuple[str, str | None, str, str, float]]) -> pl.DataFrame:
    """Make what of schemas.Targets becomes matrices."""
    columns = dict(zip(("drug", "target", "symbol", "source"), (pl.String,) * 4, strict=True))
    return pl.DataFrame(rows, schema={**columns, "weight": pl.Float64}, orient="row")


@given(st.lists(st.lists(st.sampled_from(["EGFR", "TP53", "JAK2", "é"]), max_size=5), max_size=6))
def test_targets_are_multi_hot(targets: list[list[str]]):
    drugs = [f"BRD-{d}" for d in range(len(targets))]
    keys = [[f"node:{s}" if s == "EGFR" else s for s in of] for of in targets]
    rows = [
        (drug, key if key != symbol else None, symbol, "compound table", 1.0)
        for drug, own, of in zip(drugs, keys, targets, strict=True)
        for key, symbol in zip(own, of, strict=True)
    ]
    known, imputed = target_matrices(targets_of(rows), drugs)
    every = sorted({key for own in keys for key in own})
    assert imputed is None
    assert known.shape == (len(targets), len(every))
    matrix = known.toarray()
    assert [[every[c] for c in np.flatnonzero(row)] for row in matrix] == [sorted(set(own)) for own in keys]


def test_imputed_targets_have_the_columns_of_the_known():
    rows = [
        ("a", "gene:1", "G1", "compound table", 1.0),
        ("a", "gene:1", "G1", "knowledge graph", 1.0),
        ("b", "gene:1", "G1", "similar molecules", 0.25),
        ("a", "gene:2", "G2", "similar molecules", 0.5),
    ]
    known, imputed = target_matrices(targets_of(rows), ["a", "b"])
    assert known.toarray().tolist() == [[1, 0], [0, 0]]
    assert imputed is not None
    assert imputed.toarray().tolist() == [[0, 0.5], [0.25, 0]]


def test_the_target_of_an_unknown_drug_is_refused(files: dict[str, Path]):
    rewrite(files["targets.parquet"], schemas.Targets, pl.col("drug").replace("BRD-3", "BRD-9"))
    with pytest.raises(InputError, match=r"targets.parquet: drug 'BRD-9' is not in the drug table; run "):
        load(files)


def rewrite(path: Path, schema: type[schemas.Table], change: pl.Expr) -> None:
    schemas.write(schemas.read(path, schema).with_columns(change), schema, path)


def test_a_drug_that_is_not_a_node_is_named(files: dict[str, Path]):
    change = pl.col("drug").replace("BRD-2", "BRD-9")
    rewrite(files["drugs.parquet"], schemas.Drugs, change)
    with pytest.raises(InputError, match=r"no node 'lincs_drug:BRD-9' \(1 such\); merge the graph again"):
        load(files)


def test_drugs_in_another_order_are_refused(files: dict[str, Path]):
    schemas.write(
        schemas.read(files["drugs.parquet"], schemas.Drugs).reverse(), schemas.Drugs, files["drugs.parquet"]
    )
    with pytest.raises(InputError, match=r"node 'lincs_drug:BRD-4' has feature row 3, its table has 0"):
        load(files)


def test_a_cell_line_without_its_baseline_is_named(files: dict[str, Path]):
    rewrite(files["cells.parquet"], schemas.Cells, pl.col("cell").replace("MCF7", "PC3"))
    with pytest.raises(InputError, match=r"baseline.h5ad: its cell lines are not those of .*cells.parquet"):
        load(files)


def test_a_graph_of_other_nodes_is_refused(files: dict[str, Path]):
    graph = Graph.load(files["graph.npz"])
    nodes = np.append(graph.node_type, 0)
    Graph(graph.src, graph.dst, graph.relation, nodes, graph.types, graph.relations).save(files["graph.npz"])
    with pytest.raises(InputError, match=r"graph.npz: 9 nodes, but .*nodes.parquet has 8; merge again"):
        load(files)


def test_a_signature_of_an_unknown_drug_or_cell_is_named(files: dict[str, Path]):
    data = load(files)
    for column, old, new, message in (
        ("drug", "BRD-3", "BRD-9", r"drug 'BRD-9' of signature S4 is not in the drug table"),
        ("cell", "MCF7", "PC3", r"cell 'PC3' of signature S1 is not in the cell table"),
    ):
        delta, obs, var = read_matrix(files["signatures.h5ad"])
        changed = files["signatures.h5ad"].with_name("changed.h5ad")
        write_matrix(delta, obs.with_columns(pl.col(column).replace(old, new)), var, changed)
        with pytest.raises(InputError, match=message):
            load_parts(changed, files["fold.parquet"], data)


def test_a_fold_of_other_signatures_is_refused(files: dict[str, Path]):
    rewrite(files["fold.parquet"], schemas.Fold, pl.col("signature").reverse())
    with pytest.raises(InputError, match=r"fold.parquet: its signatures are not those of .* split again"):
        parts_of(files)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_an_empty_part_is_refused(files: dict[str, Path], part: str):
    rewrite(files["fold.parquet"], schemas.Fold, pl.col("part").replace(part, "left_out"))
    with pytest.raises(InputError, match=rf"fold.parquet: no signature is in the part {part}; split again"):
        parts_of(files)


def test_other_genes_are_refused(files: dict[str, Path]):
    delta, obs, var = read_matrix(files["signatures.h5ad"])
    write_matrix(delta, obs, var.with_columns(pl.col("symbol").reverse()), files["signatures.h5ad"])
    with pytest.raises(InputError, match="its genes are not those of the baseline"):
        parts_of(files)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_delta_that_is_not_finite_names_its_signature(files: dict[str, Path], value: float):
    with h5py.File(files["signatures.h5ad"], "r+") as file:
        file["X"][5, 2] = value
    with pytest.raises(InputError, match=r"signatures.h5ad: signature S5 has a delta that is not finite"):
        parts_of(files)
