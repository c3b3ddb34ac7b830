"""The readers' scripts in order, on a release in miniature: the output of one is the input of the next."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import read_matrix
from perturbkg.signatures import _gctx, _merge

SCRIPTS = Path(__file__).parents[3] / "scripts"
KG = (
    "relation,display_relation,x_index,x_id,x_type,x_name,x_source,y_index,y_id,y_type,y_name,y_source\n"
    "drug_protein,target,0,DB03255,drug,Phenol,DrugBank,1,9901,gene/protein,G9901,NCBI\n"
)


def run(name, **arguments):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(**arguments)


def prepare(release, folder, minimum=1, merge="modz"):
    """Run the five scripts; return a function from a name to the file of that name."""
    files = {key: str(path) for key, path in release.write().items()}
    files["kg"] = str(release.folder / "kg.csv")
    Path(files["kg"]).write_text(KG)

    def made(name):
        return folder / f"{name}.{'h5ad' if name in {'baseline', 'signatures'} else 'parquet'}"

    run(
        "read_knowledge_graph",
        files=files,
        reader="primekg",
        nodes=made("nodes"),
        edges=made("edges"),
        descriptions=made("descriptions"),
        counts=made("kg_counts"),
    )
    run(
        "select_signatures",
        files=files,
        reader="lincs2020",
        filters={},
        selection=made("selection"),
        counts=made("select_counts"),
        exclusions=made("select_exclusions"),
    )
    run(
        "prepare_cells",
        files=files,
        reader="lincs2020",
        baseline_reader="table",
        cells=made("cells"),
        baseline=made("baseline"),
        counts=made("cell_counts"),
        exclusions=made("cell_exclusions"),
    )
    run(
        "prepare_drugs",
        selection=made("selection"),
        nodes=made("nodes"),
        descriptions=made("descriptions"),
        files=files,
        reader="lincs2020",
        drugs=made("drugs"),
        matches=made("matches"),
        library=made("library"),
        counts=made("drug_counts"),
        exclusions=made("drug_exclusions"),
    )
    run(
        "impute_targets",
        **{name: made(name) for name in ("drugs", "library", "nodes", "edges")},
        impute=True,
        targets=made("targets"),
        counts=made("target_counts"),
    )
    run(
        "read_signatures",
        selection=made("selection"),
        drugs=made("drugs"),
        cells=made("cells"),
        files=files,
        reader="lincs2020",
        label="level5",
        merge=merge,
        dose_um=10.0,
        minimum=minimum,
        signatures=made("signatures"),
        merged=made("merged"),
        counts=made("read_counts"),
        exclusions=made("read_exclusions"),
    )
    return made


def test_from_raw_files_to_signatures(release, genes, tmp_path):
    release.compoundinfo[3]["canonical_smiles"] = "broken"  # BRD-3
    release.baseline.pop()  # A375
    made = prepare(release, tmp_path / "made")
    delta, obs, var = read_matrix(made("signatures"))
    known = schemas.read(made("targets"), schemas.Targets)
    assert set(known["drug"]) <= set(schemas.read(made("drugs"), schemas.Drugs)["drug"])
    assert schemas.read(made("target_counts"), schemas.Counts)["stage"].unique().to_list() == [
        "impute_targets"
    ]
    assert obs["signature"].to_list() == ["SIG2", "SIG3", "SIG8", "SIG9"]
    columns = list(schemas.Selection.to_schema().columns)
    assert obs.columns == [*(column for column in columns if column != "nearest_dose_um"), "parent"]
    assert schemas.read(made("merged"), schemas.MergedSignatures).is_empty()
    assert var["entrez"].to_list() == genes.entrez
    assert var["symbol"].cast(pl.String).to_list() == genes.symbol
    rows = [release.columns.index(name) for name in obs["signature"]]
    np.testing.assert_array_equal(delta, release.profiles[rows][:, 977::-1])
    baseline, cells, _ = read_matrix(made("baseline"))
    assert cells["cell"].to_list() == schemas.read(made("cells"), schemas.Cells)["cell"].to_list()
    assert baseline.shape == (2, 978)
    matches = schemas.read(made("matches"), schemas.Matches)
    assert matches.select("drug", "kg_node", "match").rows() == [
        ("BRD-1", "drug:DrugBank:DB03255", "xref"),
        ("BRD-2", None, "none"),
    ]
    assert schemas.read(made("drug_exclusions"), schemas.Exclusions)["item"].to_list() == ["BRD-3"]
    counts = schemas.read(made("read_counts"), schemas.Counts)
    assert counts.filter(pl.col("what") == "signatures")["count"].to_list() == [9, 3, 2, 4]
    assert counts.filter(pl.col("what") == "merging")["count"].to_list() == [4, 0, 0, 4]


def test_a_withheld_structure_is_listed_as_withheld(release, tmp_path):
    release.compoundinfo[2]["canonical_smiles"] = "restricted"  # BRD-1
    made = prepare(release, tmp_path / "made")
    listed = schemas.read(made("drug_exclusions"), schemas.Exclusions)
    assert listed.select("item", "reason").rows() == [("BRD-1", "structure withheld by its owner")]
    counts = schemas.read(made("drug_counts"), schemas.Counts).filter(what="drugs")
    assert ("structure withheld by its owner", 1) in counts.select("reason", "count").rows()


def test_signatures_missing_in_a_cut_matrix_are_removed_counted_and_listed(release, tmp_path):
    whole = prepare(release, tmp_path / "whole")
    release.profiles, release.columns = release.profiles[2:7], release.columns[2:7]
    made = prepare(release, tmp_path / "made")
    delta, obs, _ = read_matrix(made("signatures"))
    assert set(obs["signature"]) == set(release.columns)
    complete, names, _ = read_matrix(whole("signatures"))
    rows = [names["signature"].to_list().index(name) for name in obs["signature"]]
    np.testing.assert_array_equal(delta, complete[rows])
    counts = schemas.read(made("read_counts"), schemas.Counts).filter(what="level5 signatures")
    assert counts.select("reason", "count").rows() == [("read", 9), ("not in the matrix", 4), ("kept", 5)]
    lost = schemas.read(made("read_exclusions"), schemas.Exclusions).filter(what="level5 signatures")
    assert set(lost["item"]) == set(names["signature"]) - set(release.columns)
    assert lost["reason"].unique().to_list() == ["not in the matrix"]


def test_signatures_of_one_molecule_cell_line_dose_and_time_are_merged(release, tmp_path):
    release.compoundinfo[3]["canonical_smiles"] = "CC(=O)[O-].[Na+]"
    release.compoundinfo.append(
        {**release.compoundinfo[3], "pert_id": "BRD-4", "canonical_smiles": "CC(=O)O"}
    )
    release.siginfo.append({**release.siginfo[0], "sig_id": "SIG0", "pert_dose": "9", "cc_q75": "0.1"})
    release.siginfo.append({**release.siginfo[2], "sig_id": "SIG77", "pert_id": "BRD-4", "cc_q75": ""})
    release.columns += ["SIG0", "SIG77"]
    release.profiles = np.vstack([release.profiles, release.profiles[:2] + 1])
    made = prepare(release, tmp_path / "made")
    delta, obs, _ = read_matrix(made("signatures"))
    profile = dict(zip(release.columns, release.profiles[:, 977::-1], strict=True))
    assert obs["signature"].to_list() == ["SIG0", *(f"SIG{i}" for i in range(1, 9))]
    assert obs["merged"].to_list() == [2, *[1] * 6, 2, 1]
    merged = schemas.read(made("merged"), schemas.MergedSignatures)
    assert merged.rows() == [
        ("SIG0", "SIG0", pytest.approx(0.2)),
        ("SIG0", "SIG9", pytest.approx(0.8)),
        ("SIG7", "SIG7", 0.5),
        ("SIG7", "SIG77", 0.5),
    ]
    np.testing.assert_allclose(delta[0], 0.2 * profile["SIG0"] + 0.8 * profile["SIG9"], rtol=1e-5)
    np.testing.assert_allclose(delta[7], (profile["SIG7"] + profile["SIG77"]) / 2, rtol=1e-5)
    np.testing.assert_array_equal(delta[8], profile["SIG8"])
    unmerged = prepare(release, tmp_path / "unmerged", merge="none")
    assert len(read_matrix(unmerged("signatures"))[0]) == 11


def test_the_block_size_does_not_change_the_bytes(release, tmp_path, monkeypatch):
    whole = prepare(release, tmp_path / "whole")
    monkeypatch.setattr(_gctx, "BLOCK_ROWS", 2)
    monkeypatch.setattr(_merge, "ROWS_AT_ONCE", 3)
    parts = prepare(release, tmp_path / "parts")
    assert whole("signatures").read_bytes() == parts("signatures").read_bytes()


def test_equal_inputs_give_equal_bytes(release, tmp_path):
    first = prepare(release, tmp_path / "first")
    release.siginfo.reverse()
    release.cellinfo.reverse()
    again = prepare(release, tmp_path / "again")
    for name in (
        "nodes",
        "edges",
        "selection",
        "cells",
        "baseline",
        "drugs",
        "matches",
        "signatures",
        "merged",
    ):
        assert first(name).read_bytes() == again(name).read_bytes(), name


def test_too_few_signatures_write_nothing(release, tmp_path):
    with pytest.raises(InputError, match="9 of 9 are left"):
        prepare(release, tmp_path / "made", minimum=10)
    assert not (tmp_path / "made" / "signatures.h5ad").exists()
