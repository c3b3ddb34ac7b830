import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.baselines._join import join_baseline
from perturbkg.baselines.table import Table
from perturbkg.errors import InputError
from perturbkg.signatures.lincs2020 import LINCS2020

SHARED = Path(__file__).parents[3] / "../shared/data/lincs2020"
SOURCE = LINCS2020()


def cell_lines(files, genes):
    return join_baseline(SOURCE.cell_lines(files), Table().read(files, genes))


def counts(table):
    return dict(table.select("reason", "count").rows())


def profiles(files, selection, genes):
    """Return the profiles in the order of the selection; a row in no block is NaN."""
    deltas = np.full((len(selection), len(genes.entrez)), np.nan, np.float32)
    for rows, block in SOURCE.profiles(files, selection, genes, "level5"):
        deltas[rows] = block
    return deltas


def one_line(caught, *parts):
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


# Genes


def test_genes_are_the_landmarks_in_numeric_order(release, genes):
    found = SOURCE.genes(release.write())
    assert found == genes
    assert found.entrez[99:101] == ["9999", "10000"]


def test_another_number_of_landmarks_is_an_error(release):
    release.geneinfo.pop()
    with pytest.raises(InputError) as caught:
        SOURCE.genes(release.write())
    one_line(caught, "geneinfo.txt", "977 genes with feature_space 'landmark', expected 978")


def test_a_landmark_that_occurs_twice_is_an_error(release):
    release.geneinfo[3]["gene_id"] = release.geneinfo[2]["gene_id"]
    with pytest.raises(InputError) as caught:
        SOURCE.genes(release.write())
    one_line(caught, "rows 4 and 5: gene_id '10000' twice")


# Signatures


def test_all_pass_and_are_sorted(release):
    selected = SOURCE.select(release.write(), {})
    assert selected.selection["signature"].to_list() == [f"SIG{i}" for i in range(1, 10)]
    assert selected.selection.row(8, named=True) == {
        "signature": "SIG9",
        "drug": "BRD-2",
        "cell": "MCF7",
        "dose_um": 10.0,
        "nearest_dose_um": None,
        "time_h": 24.0,
        "replicates": 3,
        "tas": 0.5,
        "replicate_correlation": 0.4,
        "merged": 1,
    }
    assert counts(selected.counts)["kept"] == 9
    for table, schema in (
        (selected.selection, schemas.Selection),
        (selected.counts, schemas.Counts),
        (selected.exclusions, schemas.Exclusions),
    ):
        schemas.check(table, schema, "test")


# Row 1 of the release is changed; the filter that removes it, or None if it is kept.
CHANGES = [
    ({"pert_type": "ctl_vehicle"}, {}, "pert_type is not trt_cp"),
    ({"pert_dose": "9.999999"}, {}, None),
    ({"pert_dose": "8"}, {}, None),
    ({"pert_dose": "12"}, {}, None),
    ({"pert_dose": "7.9"}, {}, "dose is not 10 uM within 20 %"),
    ({"pert_dose": "10000", "pert_dose_unit": "nM"}, {}, None),
    ({"pert_dose": "10", "pert_dose_unit": "mg/ml"}, {}, "dose is not 10 uM within 20 %"),
    ({"pert_dose": "-666"}, {}, "dose is not 10 uM within 20 %"),
    ({"pert_dose": "-666.000000", "tas": "-666.0"}, {}, "dose is not 10 uM within 20 %"),
    ({"pert_dose": "-666000", "pert_dose_unit": "nM"}, {}, "dose is not 10 uM within 20 %"),
    ({"pert_dose": "-666|10.0", "pert_dose_unit": "-666|uM"}, {}, None),
    ({"pert_dose": "10.0|10.000000"}, {}, None),
    ({"pert_dose": "10|3.33"}, {}, "dose is not 10 uM within 20 %"),
    ({"tas": "-666.0", "cc_q75": "-666", "nsample": "-666.000"}, {}, None),
    ({"tas": "-666.000000"}, {"minimum_tas": 0.2}, "tas is empty"),
    ({"is_hiq": "1|1", "qc_pass": "-666|1", "pert_time": "24|24.0"}, {}, None),
    ({"is_hiq": "1|0"}, {}, "is_hiq is empty"),
    # Values of controls may be invalid, since controls are removed.
    ({"pert_type": "ctl_vehicle", "pert_dose": "0.1 %", "nsample": "2.5"}, {}, "pert_type is not trt_cp"),
    ({"pert_type": "trt_sh", "is_hiq": "unknown", "tas": "none"}, {}, "pert_type is not trt_cp"),
    ({"pert_dose": "3.33"}, {"dose_um": None}, None),
    ({"pert_time": "6"}, {}, "time is not 24 h"),
    ({"pert_time": "6"}, {"time_h": None}, None),
    ({"pert_time": "1", "pert_time_unit": "d"}, {}, None),
    ({"is_hiq": "0"}, {}, "is_hiq is 0"),
    ({"is_hiq": ""}, {}, "is_hiq is empty"),
    ({"is_hiq": "0"}, {"require_hiq": False}, None),
    ({"qc_pass": "0.0"}, {}, "qc_pass is 0"),
    ({"qc_pass": "-666"}, {}, "qc_pass is empty"),
    ({"tas": "0.1"}, {"minimum_tas": 0.2}, "tas is below 0.2"),
    ({"tas": ""}, {"minimum_tas": 0.2}, "tas is empty"),
    ({"cc_q75": "0.1"}, {"minimum_replicate_correlation": 0.2}, "cc_q75 is below 0.2"),
    ({"cell_iname": "5637"}, {"cells": ["MCF7", "A375"]}, None),
    ({"cell_iname": "HELA"}, {}, "cell line is not in the cell table"),
    ({"pert_id": "BRD-X"}, {}, "compound is not in the compound table"),
]


@pytest.mark.parametrize(("change", "filters", "reason"), CHANGES)
def test_each_filter_counts_what_it_removed(release, change, filters, reason):
    release.siginfo[0] |= change
    selected = SOURCE.select(release.write(), filters)
    reported = counts(selected.counts)
    assert reported["read"] == sum(count for key, count in reported.items() if key != "read") == 9
    if "cells" in filters:
        assert reported["cell line not asked for"] == 4
        assert set(selected.selection["cell"]) == {"MCF7", "A375"}
        return
    removed = {key: count for key, count in reported.items() if count and key not in {"read", "kept"}}
    assert removed == ({reason: 1} if reason else {})
    assert ("SIG9" in selected.selection["signature"]) == (reason is None)


def test_a_signature_of_an_unknown_cell_or_compound_is_listed(release):
    release.siginfo[3]["cell_iname"] = "HELA"
    release.siginfo[5]["pert_id"] = "BRD-X"
    selected = SOURCE.select(release.write(), {})
    assert selected.exclusions.select("item", "row", "reason").rows() == [
        ("SIG6", 5, "cell line is not in the cell table"),
        ("SIG4", 7, "compound is not in the compound table"),
    ]


def test_cell_lines_that_yaml_reads_as_numbers_are_found(release):
    assert len(SOURCE.select(release.write(), {"cells": [5637]}).selection) == 3


@pytest.mark.parametrize(
    ("change", "filters", "parts"),
    [
        ({"sig_id": "SIG8"}, {}, ["rows 2 and 3: sig_id 'SIG8' twice"]),
        ({"sig_id": ""}, {}, ["row 2: no sig_id"]),
        ({"pert_dose": "ten"}, {}, ["row 2: pert_dose is 'ten', not a number"]),
        ({"pert_dose": "10|ten"}, {}, ["row 2: pert_dose is '10|ten', not a number"]),
        ({"is_hiq": "yes"}, {}, ["row 2: is_hiq is 'yes', not 1, 0 or empty"]),
        ({"nsample": "2.5"}, {}, ["row 2: nsample (replicates) is 2.5, not a whole number"]),
        (
            {"pert_type": "ctl_vehicle", "pert_dose": "0.1 %"},
            {"pert_type": None},
            ["row 2: pert_dose is '0.1 %', not a number"],
        ),
        ({}, {"cells": ["HELA"]}, ["filters.cells: unknown cell line 'HELA'"]),
        ({}, {"dose": 5}, ["filters: unknown key 'dose'; known are pert_type, dose_um"]),
        (
            {},
            {"time_h": 6},
            ["no signature is left", "time is not 6 h in the last 9, where time_h is 24.0 (9)"],
        ),
        (
            {},
            {"pert_type": "trt_xpr"},
            ["pert_type is not trt_xpr in the last 9, where pert_type is trt_cp (9)"],
        ),
        ({}, {"minimum_tas": 0.9}, ["tas is below 0.9 in the last 9, where tas is 0.5 (9)"]),
    ],
)
def test_bad_signature_tables_and_filters(release, change, filters, parts):
    release.siginfo[0] |= change
    with pytest.raises(InputError) as caught:
        SOURCE.select(release.write(), filters)
    one_line(caught, *parts)


@pytest.mark.parametrize(
    ("column", "filters", "part"),
    [
        ("tas", {"minimum_tas": 0.1}, "tas is empty in every row, so filters.minimum_tas cannot be met"),
        ("is_hiq", {}, "is_hiq is empty in every row, so filters.require_hiq cannot be met; set it to false"),
    ],
)
def test_a_column_that_is_all_empty_is_an_error_only_if_filtered_on(release, column, filters, part):
    for row in release.siginfo:
        row[column] = ""
    with pytest.raises(InputError) as caught:
        SOURCE.select(release.write(), filters)
    one_line(caught, part)
    assert len(SOURCE.select(release.write(), {"require_hiq": False}).selection) == 9


def test_absent_quality_columns_are_like_empty_ones(release):
    for row in release.siginfo:
        for column in ("tas", "cc_q75", "nsample", "pert_dose_unit", "pert_time_unit"):
            del row[column]
    selection = SOURCE.select(release.write(), {}).selection
    assert selection["tas"].null_count() == selection["replicates"].null_count() == 9


def test_a_missing_column_is_named(release):
    for row in release.siginfo:
        del row["pert_time"]
    with pytest.raises(InputError) as caught:
        SOURCE.select(release.write(), {})
    one_line(caught, "siginfo.txt: row 1: no column 'pert_time'")


# Compounds


def test_rows_of_a_compound_are_combined(release):
    compounds = SOURCE.compounds(release.write())
    assert compounds.table.row(0, named=True) == {
        "drug": "BRD-2",
        "name": "ethanol",
        "smiles": "CCO",
        "inchikey": None,
        "aliases": ["alcohol", "spirit"],
        "targets": ["ADH1B", "GABRA1"],
        "xref": [],
        "row": 2,
    }
    assert compounds.table["xref"].to_list() == [[], ["DB03255"], []]
    assert compounds.table["targets"].to_list()[1] == []
    assert compounds.table["row"].to_list() == [2, 4, 5]
    assert compounds.exclusions.is_empty()


def test_without_cross_references(release):
    files = release.write()
    del files["xref"]
    assert SOURCE.compounds(files).table["xref"].to_list() == [[], [], []]


def test_the_first_smiles_is_kept_and_the_other_listed(release):
    release.compoundinfo[1]["canonical_smiles"] = "CO"
    compounds = SOURCE.compounds(release.write())
    assert compounds.table["smiles"][0] == "CCO"
    assert compounds.exclusions.select("item", "row").rows() == [("BRD-2 CO", 3)]


def test_further_names_are_aliases(release):
    release.compoundinfo[0]["cmap_name"] = "BRD-2"
    release.compoundinfo[3]["cmap_name"] = "-666"
    compounds = SOURCE.compounds(release.write()).table
    assert compounds.select("name", "aliases").rows() == [
        ("BRD-2", ["alcohol", "ethanol", "spirit"]),
        ("phenol", []),
        ("BRD-3", []),
    ]


@pytest.mark.parametrize("word", ["restricted", "Restricted", " RESTRICTED "])
def test_a_withheld_structure_is_missing(release, word):
    release.compoundinfo[0]["canonical_smiles"] = word
    release.compoundinfo[2] |= {"canonical_smiles": word, "inchi_key": word}
    release.compoundinfo[3] |= {"canonical_smiles": "-666", "target": "-666|FFAR3"}
    compounds = SOURCE.compounds(release.write())
    assert compounds.table["smiles"].to_list() == ["CCO", None, None]
    assert compounds.table["inchikey"].to_list() == [None] * 3
    assert compounds.table["targets"].to_list()[2] == ["FFAR3"]
    assert compounds.withheld == {"BRD-1"}
    assert compounds.exclusions.is_empty()


def test_a_compound_without_an_id_is_an_error(release):
    release.compoundinfo[2]["pert_id"] = ""
    with pytest.raises(InputError) as caught:
        SOURCE.compounds(release.write())
    one_line(caught, "compoundinfo.txt: row 4: no pert_id")


# Cell lines


def test_cell_lines_and_baseline_have_the_same_order(release, genes):
    lines = cell_lines(release.write(), genes)
    assert lines.cells.rows() == [
        ("5637", None, None, None),
        (
            "A375",
            "skin",
            "melanoma,malignant",
            "Cell line A375. Type: tumor. Lineage: skin. Disease: melanoma, malignant.",
        ),
        ("MCF7", "breast", None, "Cell line MCF7. Type: tumor. Lineage: breast."),
    ]
    # The file has the genes in reverse: gene j of row i is i + (977 - j) / 1000.
    expected = np.array([[i + (977 - j) / 1000 for j in range(978)] for i in (0, 2, 1)])
    np.testing.assert_allclose(lines.baseline, expected, atol=1e-6)
    assert lines.baseline.dtype == np.float32
    schemas.check(lines.cells, schemas.Cells, "test")


def test_a_cell_line_without_baseline_or_row_is_listed(release, genes):
    release.baseline[1]["cell"] = "HELA"
    lines = cell_lines(release.write(), genes)
    assert lines.cells["cell"].to_list() == ["5637", "A375"]
    assert counts(lines.counts) == {"read": 3, "no baseline": 1, "kept": 2}
    assert lines.exclusions.select("item", "row", "reason").rows() == [
        ("MCF7", 2, "no baseline"),
        ("HELA", 3, "a baseline, but not in the cell table"),
    ]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda r: [row.pop("9900") for row in r.baseline], ["no column for 1 of the 978", "first 9900"]),
        (lambda r: r.baseline[1].update({"9901": "NaN"}), ["row 3: cell line 'MCF7'", "gene 9901 (G9901)"]),
        (lambda r: r.baseline[1].update({"9901": "high"}), ["row 3: 9901 is 'high', not a number"]),
        (lambda r: r.baseline[1].update({"cell": "5637"}), ["rows 2 and 3: cell '5637' twice"]),
        (lambda r: r.cellinfo[1].update({"cell_iname": "MCF7"}), ["rows 2 and 3: cell_iname 'MCF7' twice"]),
    ],
)
def test_bad_cell_lines(release, genes, change, parts):
    change(release)
    with pytest.raises(InputError) as caught:
        cell_lines(release.write(), genes)
    one_line(caught, *parts)


# Profiles, whole releases


def test_profiles_are_in_the_requested_order(release, genes):
    selection = pl.DataFrame({"signature": ["SIG2", "SIG9"]})
    found = profiles(release.write(), selection, genes)
    rows = [release.columns.index("SIG2"), release.columns.index("SIG9")]
    np.testing.assert_array_equal(found, release.profiles[rows][:, 977::-1])


def test_gzipped_tables_read_the_same(release, genes):
    files = release.write()
    plain = SOURCE.select(files, {}), cell_lines(files, genes)
    for key in ("siginfo", "cellinfo", "compoundinfo", "baseline"):
        zipped = files[key].with_suffix(".txt.gz")
        zipped.write_bytes(gzip.compress(files[key].read_bytes(), mtime=0))
        files[key] = zipped
    assert SOURCE.select(files, {}).selection.equals(plain[0].selection)
    np.testing.assert_array_equal(cell_lines(files, genes).baseline, plain[1].baseline)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_real_slice():
    files = {
        "gctx": SHARED / "level5_beta_trt_cp_n3869x978.gctx",
        "siginfo": SHARED / "siginfo_beta.txt",
        "compoundinfo": SHARED / "compoundinfo_beta.txt",
        "cellinfo": SHARED / "cellinfo_beta.txt",
        "geneinfo": SHARED / "geneinfo_beta.txt",
        "baseline": SHARED / "cell_baseline_level3.tsv.gz",
        "xref": SHARED / "drug_xref.tsv",
    }
    genes = SOURCE.genes(files)
    assert genes.entrez[:3] == ["16", "23", "25"]
    selection = SOURCE.select(files, {}).selection
    assert (len(selection), selection["drug"].n_unique(), selection["cell"].n_unique()) == (3869, 1139, 24)
    lines = cell_lines(files, genes)
    assert lines.baseline.shape == (164, 978)
    assert lines.cells.filter(pl.col("cell").str.starts_with("XC.") & pl.col("description").is_null()).height
    assert len(SOURCE.compounds(files).table) == 3695
    deltas = profiles(files, selection, genes)
    assert deltas.shape == (3869, 978)
    assert np.abs(deltas).max() <= 10
