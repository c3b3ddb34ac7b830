import numpy as np
import polars as pl
import pytest
from geo import MICRO, read_text, write_geo, write_table
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import plugins, schemas
from perturbkg.errors import InputError
from perturbkg.signatures.gse70138 import QUANTITY

LINCS = plugins.create("signatures", "lincs2020")
SERIES = {name: plugins.create("signatures", name) for name in MICRO}
FILTERS = {"require_hiq": False, "require_qc_pass": False}


@pytest.fixture(params=MICRO)
def series(request):
    return request.param


@pytest.fixture
def source(series):
    return SERIES[series]


@pytest.fixture
def files(raw_world, tmp_path, series):
    return write_geo(raw_world, tmp_path, series)


@pytest.fixture
def change(files):
    """Return a function that changes columns of the first row of a table, or of all rows."""

    def rewrite(key, *, everywhere=False, **values):
        table = read_text(files[key])
        where = pl.lit(True) if everywhere else pl.int_range(pl.len()) == 0
        table = table.with_columns(
            pl.when(where).then(pl.lit(value, pl.String)).otherwise(pl.col(column)).alias(column)
            for column, value in values.items()
        )
        write_table(table, files[key])

    return rewrite


@pytest.fixture
def fate(source, files, change):
    """Return a function that changes one of two good signatures and returns the reason of its removal."""
    table = read_text(files["siginfo"]).filter(pl.col("pert_type") == "trt_cp").head(2)
    write_table(table, files["siginfo"])
    change("siginfo", everywhere=True, cell_id=read_text(files["cellinfo"])["cell_id"][0])
    change("siginfo", everywhere=True, pert_id=read_text(files["compoundinfo"])["pert_id"][0])
    metrics = read_text(files["metrics"]).filter(pl.col("sig_id").is_in(table["sig_id"].to_list()))
    write_table(metrics.sort(pl.col("sig_id") != table["sig_id"][0]), files["metrics"])
    change("metrics", everywhere=True, tas="0.5", distil_cc_q75="0.4", distil_nsample="3")
    micro = MICRO["gse92742"]
    for columns in ({"pert_dose": "10.0", "pert_dose_unit": micro}, {"pert_idose": "10.0 um"}):
        change("siginfo", everywhere=True, **{k: v for k, v in columns.items() if k in table.columns})
    for columns in ({"pert_time": "24", "pert_time_unit": "h"}, {"pert_itime": "24 h"}):
        change("siginfo", everywhere=True, **{k: v for k, v in columns.items() if k in table.columns})

    def reported(filters, key="siginfo", **values):
        change(key, **values)
        counts = _counts(source.select(files, FILTERS | filters).counts)
        assert counts.pop("read") == sum(counts.values()) == 2
        (removed,) = [reason for reason, count in counts.items() if reason != "kept" and count] or [None]
        return removed

    return reported


def _counts(table):
    return dict(table.select("reason", "count").rows())


def one_line(caught, *parts):
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


# A world in GEO's layouts gives the same results


def test_the_same_signatures_are_selected(raw_world, source, files):
    ours, theirs = source.select(files, FILTERS), LINCS.select(raw_world, FILTERS)
    # GEO states no nearest dose.
    assert ours.selection.drop("nearest_dose_um").equals(theirs.selection.drop("nearest_dose_um"))
    assert ours.counts.equals(theirs.counts) and ours.exclusions.equals(theirs.exclusions)
    schemas.check(ours.selection, schemas.Selection, "test")


def test_the_same_genes_and_profiles_are_read(raw_world, source, files):
    genes = source.genes(files)
    assert genes == LINCS.genes(raw_world)
    selection = source.select(files, FILTERS).selection
    read = []
    for reader, given_files in ((source, files), (LINCS, raw_world)):
        deltas = np.full((len(selection), 978), np.nan, np.float32)
        for rows, block in reader.profiles(given_files, selection, genes, "level5"):
            deltas[rows] = block
        read.append(deltas)
    np.testing.assert_array_equal(*read)
    assert np.isfinite(read[0]).all()


def test_the_same_compounds_are_read(raw_world, source, files):
    ours, theirs = source.compounds(files).table, LINCS.compounds(raw_world).table
    assert ours.drop("row").equals(theirs.drop("row"))
    assert ours["targets"].list.len().sum() > 0
    assert source.compounds(files).exclusions.is_empty()


def test_without_the_table_of_lincs_2020_there_are_no_targets(source, files):
    table = source.compounds(
        {key: path for key, path in files.items() if key not in {"targets", "xref"}}
    ).table
    assert table.select(pl.col("targets", "aliases", "xref").list.len().sum()).row(0) == (0, 0, 0)
    assert table["smiles"].null_count() < len(table)


# Peculiarities of GEO


def test_a_withheld_structure_is_null(source, files, change):
    change("compoundinfo", canonical_smiles="restricted", inchi_key="-666")
    row = source.compounds(files).table.row(0, named=True)
    assert row["smiles"] is None and row["inchikey"] is None


@pytest.mark.parametrize("word", ["Restricted", " restricted"])
def test_other_spellings_of_withheld_give_null(source, files, change, word):
    change("compoundinfo", canonical_smiles=word)
    compounds = source.compounds(files)
    assert compounds.table["smiles"][0] is None
    assert compounds.withheld == {compounds.table["drug"][0]}


def test_cell_lines_are_described_by_site_and_tumour(source, files):
    lines = source.cell_lines(files)
    assert lines["cell"].to_list() == read_text(files["cellinfo"])["cell_id"].to_list()
    known = lines.filter(pl.col("lineage").is_not_null())
    tumour, normal = known.row(0, named=True), known.row(1, named=True)
    assert tumour["disease"] == "adenocarcinoma,ductal" and normal["disease"] is None
    assert tumour["description"].endswith("Disease: adenocarcinoma, ductal.")
    assert normal["description"].endswith("Subtype: normal kidney.")
    assert "Lineage: breast" in tumour["description"]


@pytest.mark.parametrize(("key", "column"), [("require_hiq", "is_hiq"), ("require_qc_pass", "qc_pass")])
def test_a_filter_on_a_column_that_geo_lacks_is_an_error_with_the_remedy(source, files, key, column):
    with pytest.raises(InputError) as caught:
        source.select(files, FILTERS | {key: True})
    one_line(caught, str(files["siginfo"]), f"have no {column}, so filters.{key}", "set it to false")


@pytest.mark.parametrize(
    ("filters", "values", "reason"),
    [
        ({"minimum_replicate_correlation": 0.2}, {}, None),
        ({"minimum_replicate_correlation": 0.2}, {"distil_cc_q75": "-666"}, "distil_cc_q75 is empty"),
        ({"minimum_replicate_correlation": 0.2}, {"distil_cc_q75": "0.1"}, "distil_cc_q75 is below 0.2"),
        ({"minimum_tas": 0.2}, {"tas": "-666.000000"}, "tas is empty"),
        ({"minimum_tas": 0.2}, {"tas": "0.1"}, "tas is below 0.2"),
        ({"minimum_tas": 0.2}, {"sig_id": "another"}, "tas is empty"),
        ({}, {"sig_id": "another"}, None),
    ],
)
def test_filters_read_the_metrics_and_name_their_columns(fate, filters, values, reason):
    assert fate(filters, "metrics", **values) == reason


def test_metrics_are_joined_by_signature(fate, files, source):
    assert fate({}, "metrics", tas="0.1", distil_cc_q75="-0.25", distil_nsample="2") is None
    changed = read_text(files["metrics"])["sig_id"][0]
    rows = source.select(files, FILTERS).selection
    columns = ("tas", "replicate_correlation", "replicates")
    assert rows.filter(signature=changed).select(columns).row(0) == (0.1, -0.25, 2)
    assert rows.filter(pl.col("signature") != changed).select(columns).row(0) == (0.5, 0.4, 3)


def test_metrics_that_are_all_empty_are_an_error_only_if_filtered_on(source, files, change):
    change("metrics", everywhere=True, distil_cc_q75="-666")
    with pytest.raises(InputError) as caught:
        source.select(files, FILTERS | {"minimum_replicate_correlation": 0.2})
    one_line(caught, "distil_cc_q75 is empty in every row", "set it to null")
    assert len(source.select(files, FILTERS).selection)


@pytest.mark.parametrize(
    ("step", "key", "values", "part"),
    [
        ("select", "metrics", {"tas": "high"}, "row 2: tas is 'high', not a number"),
        ("select", "metrics", {"sig_id": "-666"}, "row 2: no sig_id"),
        ("select", "siginfo", {"sig_id": "-666"}, "row 2: no sig_id"),
        ("compounds", "compoundinfo", {"pert_id": "-666"}, "row 2: no pert_id"),
        ("cell_lines", "cellinfo", {"cell_id": "-666"}, "row 2: no cell_id"),
        ("genes", "geneinfo", {"pr_is_lm": "1"}, "979 genes with pr_is_lm '1', expected 978"),
    ],
)
def test_bad_tables(source, files, change, step, key, values, part):  # noqa: PLR0917 (fixtures)
    if step == "genes":  # so that the first gene is not yet a landmark
        write_table(read_text(files[key]).sort("pr_is_lm"), files[key])
    change(key, **values)
    steps = {"select": lambda: source.select(files, FILTERS)}
    with pytest.raises(InputError) as caught:
        steps.get(step, lambda: getattr(source, step)(files))()
    one_line(caught, str(files[key]), part)


def test_a_missing_column_is_named(source, files):
    write_table(read_text(files["metrics"]).drop("tas"), files["metrics"])
    with pytest.raises(InputError) as caught:
        source.select(files, FILTERS)
    one_line(caught, "metrics.txt: row 1: no column 'tas'")


# Doses and times

TOO_LOW, TOO_SHORT = "dose is not 10 uM within 20 %", "time is not 24 h"


@pytest.mark.parametrize("series", ["gse92742"], indirect=True)
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"pert_dose_unit": "\u00b5M"}, None),
        ({"pert_dose_unit": "\u03bcM"}, None),
        ({"pert_dose": "10000", "pert_dose_unit": "nM"}, None),
        ({"pert_dose": "1"}, TOO_LOW),
        ({"pert_dose_unit": "%"}, TOO_LOW),
        ({"pert_dose_unit": "ng/mL"}, TOO_LOW),
        ({"pert_dose": "-666.000000", "pert_dose_unit": "-666"}, TOO_LOW),
        ({"pert_dose": "-666.0|-666.000000", "pert_dose_unit": "-666|-666"}, TOO_LOW),
        ({"pert_dose": "10.0|10.000000", "pert_dose_unit": "uM|uM"}, None),
        ({"pert_dose": "1.5|300.0", "pert_dose_unit": "uL|ng"}, TOO_LOW),
        ({"pert_time": "6"}, TOO_SHORT),
        ({"pert_time": "-666"}, TOO_SHORT),
    ],
)
def test_doses_and_times_of_phase_one(fate, values, reason):
    assert fate({}, **values) == reason


@pytest.mark.parametrize("series", ["gse70138"], indirect=True)
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"pert_idose": "10.0 um"}, None),
        ({"pert_idose": "10um"}, None),
        ({"pert_idose": "1e4 nM"}, None),
        ({"pert_idose": "3.33 um"}, TOO_LOW),
        ({"pert_idose": "10.0 ng/ml"}, TOO_LOW),
        ({"pert_idose": "-666"}, TOO_LOW),
        ({"pert_idose": "-666|-666"}, TOO_LOW),
        ({"pert_idose": "-666|10.0 um"}, None),
        ({"pert_idose": "10.0 um|9.99999 um"}, None),
        ({"pert_idose": "10.0 um|3.33 um"}, TOO_LOW),
        ({"pert_type": "ctl_vector", "pert_idose": "a drop"}, "pert_type is not trt_cp"),
        ({"pert_itime": "3 h"}, TOO_SHORT),
        ({"pert_itime": "24h"}, None),
        ({"pert_itime": "1 d"}, None),
    ],
)
def test_doses_and_times_of_phase_two(fate, values, reason):
    assert fate({}, **values) == reason


@pytest.mark.parametrize("series", ["gse70138"], indirect=True)
@pytest.mark.parametrize(
    ("column", "text"), [("pert_idose", "ten um"), ("pert_itime", "24"), ("pert_idose", "um")]
)
def test_a_text_that_is_not_a_quantity_is_an_error(source, files, change, column, text):
    change("siginfo", **{column: text})
    with pytest.raises(InputError) as caught:
        source.select(files, FILTERS)
    one_line(caught, str(files["siginfo"]), f"row 2: {column} is {text!r}, not a number and a unit")


@given(
    st.floats(0, 1e6),
    st.sampled_from(["um", "nM", "h", "%", "ng/mL", "µM"]),
    st.sampled_from(["", " ", "  "]),
)
def test_a_quantity_is_split_into_its_number_and_its_unit(number, unit, space):
    parts = pl.Series([f"{number}{space}{unit}"]).str.extract_groups(QUANTITY).struct
    assert (float(parts.field("1")[0]), parts.field("2")[0]) == (number, unit)
