"""The world: what its tables hold, what kg_signal changes, and that the truth is in the files."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds import MurckoScaffold

from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import World, simulate


@pytest.fixture(scope="module")
def default_world() -> World:
    return simulate(SimulationOptions(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def tiny_world(tiny_options: SimulationOptions) -> World:
    return simulate(tiny_options, np.random.default_rng(1))


def node(end: str) -> pl.Expr:
    return pl.format("{}:{}:{}", f"{end}_type", f"{end}_source", f"{end}_id")


def edges(world: World, relation: str) -> set[tuple[str, str]]:
    rows = world.tables["kg"].filter(pl.col("relation") == relation)
    return set(rows.select(node("x").alias("x"), node("y").alias("y")).iter_rows())


def kept_by_default_filters(world: World) -> pl.DataFrame:
    return world.tables["siginfo"].filter(
        pl.col("pert_type") == "trt_cp",
        pl.col("pert_dose").is_between(8, 12),
        pl.col("pert_time") == 24,
        pl.col("is_hiq") == 1,
        pl.col("qc_pass") == 1,
    )


def test_kg_signal_changes_profiles_and_nothing_of_the_graph(
    tiny_options: SimulationOptions, tiny_world: World
) -> None:
    other = simulate(replace(tiny_options, kg_signal=0.0), np.random.default_rng(1))
    for key in set(tiny_world.tables) - {"siginfo"}:
        assert_frame_equal(tiny_world.tables[key], other.tables[key])
    assert tiny_world.profile_signatures == other.profile_signatures
    assert not np.array_equal(tiny_world.profiles, other.profiles)
    assert tiny_world.truth_edges.height > 0
    assert other.truth_edges.height == 0
    assert other.truth["planted"]["paths"] == 0


def test_another_seed_makes_another_world(tiny_options: SimulationOptions, tiny_world: World) -> None:
    other = simulate(tiny_options, np.random.default_rng(2))
    assert not other.tables["kg"].equals(tiny_world.tables["kg"])
    assert (tiny_world.truth["seed"], other.truth["seed"]) == (1, 2)


def test_the_graph_has_primekgs_columns_and_both_directions(tiny_world: World) -> None:
    kg = tiny_world.tables["kg"]
    ends = ["index", "id", "type", "name", "source"]
    assert kg.columns == [
        "relation",
        "display_relation",
        *(f"x_{e}" for e in ends),
        *(f"y_{e}" for e in ends),
    ]
    forward = kg.select("relation", "display_relation", "x_index", "y_index")
    backward = kg.select("relation", "display_relation", x_index="y_index", y_index="x_index")
    assert_frame_equal(forward, backward, check_row_order=False)
    assert (kg["x_index"] != kg["y_index"]).all()
    doubled = kg.filter(kg.is_duplicated())
    assert doubled["relation"].unique().to_list() == ["drug_protein"]
    assert kg.height - kg.unique().height == 12  # six edges, two directions
    assert set(kg["relation"]) == {
        *("protein_protein", "drug_protein", "disease_protein", "bioprocess_protein"),
        *("pathway_protein", "indication", "drug_drug"),
    }
    one_name = kg.group_by("x_index").agg(
        pl.struct("x_id", "x_type", "x_name", "x_source").n_unique().alias("n")
    )
    assert (one_name["n"] == 1).all()
    assert kg["x_name"].str.contains(",").any()
    assert kg["x_name"].str.contains('"').any()


def test_every_planted_path_is_in_the_files(tiny_world: World) -> None:
    truth = tiny_world.truth_edges
    members, ppi = edges(tiny_world, "pathway_protein"), edges(tiny_world, "protein_protein")
    entry = pl.coalesce("via", "target")
    assert set(truth.select("pathway", entry).iter_rows()) <= members
    indirect = truth.filter(pl.col("via").is_not_null())
    assert 0 < indirect.height < truth.height
    assert set(indirect.select("target", "via").iter_rows()) <= ppi
    assert not set(indirect.select("pathway", "target").iter_rows()) & members
    # A landmark gene responds as a pathway member, one step further; those missing in the graph do not.
    assert set(truth.select("pathway", "gene").iter_rows()) <= members
    assert truth["effect"].is_finite().all() and (truth["effect"] != 0).all()
    assert not truth.select("drug", "target", "via", "pathway", "gene").is_duplicated().any()


def test_compounds_have_the_quirks_of_the_real_table(default_world: World) -> None:
    table = default_world.tables["compoundinfo"]
    assert table.columns == [
        *("pert_id", "cmap_name", "target", "moa", "canonical_smiles", "inchi_key", "compound_aliases")
    ]
    compounds = table.unique("pert_id", keep="first", maintain_order=True)
    without = table.group_by("pert_id").agg(pl.col("target").is_null().all())["target"].mean()
    assert 0.2 < without < 0.4
    assert table.group_by("pert_id").len()["len"].max() > 1  # one row per target
    measured = set(default_world.tables["siginfo"]["pert_id"])
    used = compounds.filter(pl.col("pert_id").is_in(list(measured)))
    assert used.height == SimulationOptions().drugs + 2
    assert compounds.height > used.height
    with rdBase.BlockLogs():
        molecules = [Chem.MolFromSmiles(smiles) if smiles else None for smiles in used["canonical_smiles"]]
    assert used["canonical_smiles"].is_null().sum() == 1
    assert sum(molecule is None for molecule in molecules) == 2  # missing, and unparsable
    assert used.filter(pl.col("canonical_smiles").str.contains(r"\.")).height >= 5
    assert used["canonical_smiles"].str.contains("@").any()
    scaffolds = [MurckoScaffold.MurckoScaffoldSmiles(mol=m) for m in molecules if m is not None]
    assert scaffolds.count("") >= 3
    assert len(set(scaffolds)) < 60  # forty, and "" for all acyclic molecules


def test_signatures_have_something_to_filter_and_enough_left(default_world: World) -> None:
    table = default_world.tables["siginfo"]
    assert table["sig_id"].is_unique().all()
    assert 900 < kept_by_default_filters(default_world).height < 1_200
    assert set(table["pert_dose"].drop_nulls()) == {10.0, 9.99, 3.33, 0.37}
    assert set(table["pert_time"]) == {6, 24}
    assert 0.02 < (table["qc_pass"] == 0).mean() < 0.08
    treated = table.filter(pl.col("pert_type") == "trt_cp")
    assert set(treated["sig_id"]) == set(default_world.profile_signatures)
    single = treated.filter(pl.col("nsample") == 1)
    assert single.height > 0
    assert single["cc_q75"].is_null().all() and single["tas"].is_null().all()
    several = treated.filter(pl.col("nsample") > 1)
    assert several["cc_q75"].null_count() == 0
    tas = (several["ss_ngene"] * several["cc_q75"].clip(0) / 978).sqrt()
    np.testing.assert_allclose(several["tas"], tas, atol=2e-3)
    assert treated.group_by("pert_id", "cell_iname", "pert_idose", "pert_itime").len()["len"].max() == 2


def test_profiles_look_like_level_5(default_world: World) -> None:
    landmark = default_world.tables["geneinfo"].filter(pl.col("feature_space") == "landmark")["gene_id"]
    columns = np.isin(default_world.profile_genes, landmark.cast(pl.String).to_list())
    assert columns.sum() == 978
    assert len(columns) == 978 + SimulationOptions().inferred_genes
    z = default_world.profiles[:, columns]
    assert np.isfinite(z).all()
    assert np.abs(z).max() == 10
    assert 0.03 < (np.abs(z) >= 2).mean() < 0.12
    assert default_world.profile_genes == sorted(default_world.profile_genes)  # as text


def test_cell_lines_have_the_quirks_of_the_real_table(tiny_world: World) -> None:
    cells, baseline = tiny_world.tables["cellinfo"], tiny_world.tables["baseline"]
    measured = set(tiny_world.tables["siginfo"]["cell_iname"])
    assert "2371" in measured
    assert measured - set(baseline["cell_iname"]) == {"XC.S01"}
    assert set(baseline["cell_iname"]) - measured
    assert cells["cell_lineage"].null_count() > 0
    diseases = set(tiny_world.tables["kg"].filter(pl.col("x_type") == "disease")["x_name"])
    assert set(cells["primary_disease"].drop_nulls()) <= diseases
    values = baseline.drop("cell_iname").to_numpy()
    assert baseline.columns[1:] == tiny_world.profile_genes
    assert 7.4 < values.mean() < 9.4 and 1.7 < values.std() < 2.7


def test_texts_name_nodes_of_the_graph_and_leave_cells_empty(tiny_world: World) -> None:
    names = set(tiny_world.tables["kg"]["x_name"])
    for key, columns in {
        "drug_text": ["generic_name", "smiles", "description"],
        "disease_text": ["mondo_name", "mondo_definition", "umls_description"],
        "protein_sequence": ["protein_name", "protein_seq", "ncbi_summary"],
    }.items():
        table = tiny_world.tables[key]
        assert table.columns == columns
        assert table[columns[0]].is_unique().all()
        assert len(set(table[columns[0]]) & names) >= 0.9 * table.height
        assert all(0 < table[column].null_count() < table.height for column in columns[1:])


def held_out_gain(world: World, drugs: list[str], features: np.ndarray) -> float:
    """Return mean Pearson on held-out scaffolds: ridge on drug features minus the mean of the cell line."""
    row_of = {drug.removeprefix("lincs_drug:"): row for row, drug in enumerate(drugs)}
    kept = kept_by_default_filters(world).filter(
        pl.col("cell_iname") != "XC.S01", pl.col("pert_id").is_in(list(row_of))
    )
    smiles = dict(world.tables["compoundinfo"].select("pert_id", "canonical_smiles").iter_rows())
    position = {signature: row for row, signature in enumerate(world.profile_signatures)}
    observed = world.profiles[[position[signature] for signature in kept["sig_id"]]]
    X = features[[row_of[drug] for drug in kept["pert_id"]]]
    cell = kept["cell_iname"].to_numpy()
    scaffold = [MurckoScaffold.MurckoScaffoldSmiles(smiles[drug]) for drug in kept["pert_id"]]
    groups = sorted(set(scaffold))
    gains = []
    for fold in range(4):
        test = np.isin(scaffold, groups[fold::4])
        mean = np.stack([observed[~test & (cell == name)].mean(axis=0) for name in cell])
        A = X - X[~test].mean(axis=0)
        A /= np.sqrt((A[~test] ** 2).sum(axis=1).mean())
        # The dual form of ridge: as many unknowns as signatures, however many features.
        train = A[~test]
        dual = np.linalg.solve(train @ train.T + 3 * np.eye(len(train)), (observed - mean)[~test])
        ridge = mean + A @ (train.T @ dual)
        gains += [
            np.corrcoef(ridge[i], observed[i])[0, 1] - np.corrcoef(mean[i], observed[i])[0, 1]
            for i in np.flatnonzero(test)
        ]
    return float(np.mean(gains))


def planted(world: World, column: str) -> tuple[list[str], list[str], np.ndarray]:
    """Return drugs, values of a column of the truth, and how strongly the first act through the second."""
    table = world.truth_edges.group_by("drug", column).agg(pl.col("effect").abs().sum())
    wide = table.sort(column).pivot(column, index="drug", values="effect").sort("drug").fill_null(0)
    return wide["drug"].to_list(), wide.columns[1:], wide.drop("drug").to_numpy()


@pytest.fixture(scope="module")
def worlds() -> dict[float, World]:
    options = SimulationOptions(drugs=120, scaffolds=30, cells=4)
    return {k: simulate(replace(options, kg_signal=k), np.random.default_rng(5)) for k in (0.0, 1.0)}


def test_planted_pathways_predict_held_out_scaffolds_with_kg_signal_1_and_not_with_0(
    worlds: dict[float, World],
) -> None:
    drugs, _, strength = planted(worlds[1.0], "pathway")
    # Which pathways, not how strongly: strength includes the potency, and potent drugs weigh more in a fit.
    features = (strength > 0).astype(float)
    assert held_out_gain(worlds[1.0], drugs, features) > 0.2
    # Both worlds have the same graph, so the planted pathways of one are the would-be pathways of the other.
    none = held_out_gain(worlds[0.0], drugs, features)
    assert none < 0.01
    # Overfitting lowers the score, so the gain is compared with that of features permuted over drugs.
    rng = np.random.default_rng(0)
    dealt = [held_out_gain(worlds[0.0], drugs, rng.permutation(features)) for _ in range(3)]
    assert none == pytest.approx(np.mean(dealt), abs=0.03)


def test_targets_have_to_be_propagated(worlds: dict[float, World]) -> None:
    """Ridge on the pathways that two steps of the graph reach generalises better than on the targets."""
    drugs, targets, features = planted(worlds[1.0], "target")
    members, ppi = edges(worlds[1.0], "pathway_protein"), edges(worlds[1.0], "protein_protein")
    genes = sorted({x for x, _ in ppi})
    pathways = sorted({x for x, _ in members if x.startswith("pathway:")})
    gene, pathway = ({node: row for row, node in enumerate(nodes)} for nodes in (genes, pathways))
    binds = np.zeros((len(genes), len(genes)))
    for x, y in ppi:
        binds[gene[x], gene[y]] = 1
    belongs = np.zeros((len(genes), len(pathways)))
    for x, y in members:
        if y in pathway:
            belongs[gene[x], pathway[y]] = 1
    reached = belongs + binds / binds.sum(axis=1, keepdims=True) @ belongs
    multi_hot = (features > 0).astype(float)
    propagated = multi_hot @ reached[[gene[target] for target in targets]]
    alone, spread = (held_out_gain(worlds[1.0], drugs, each) for each in (multi_hot, propagated))
    assert 0 < alone < spread - 0.03
