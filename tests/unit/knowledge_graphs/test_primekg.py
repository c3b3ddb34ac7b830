import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.knowledge_graphs._checks import check_edges
from perturbkg.knowledge_graphs.primekg import COLUMNS, PrimeKG

SHARED = Path(__file__).parents[3] / "../shared/data/primekg/kg.csv.gz"
EGFR = ("0", "1956", "gene/protein", "EGFR", "NCBI")
TP53 = ("1", "7157", "gene/protein", "TP53", "NCBI")
GEFITINIB = ("2", "DB00317", "drug", "Gefitinib", "DrugBank")
CANCER = ("3", "0005", "disease", 'carcinoma, "solid"', "MONDO")
PPI = ("protein_protein", "ppi")
TARGET = ("drug_protein", "target")
CARRIER = ("drug_protein", "carrier")


def row(kind, x, y):
    return dict(zip(COLUMNS, (*kind, *x, *y), strict=True))


def both(kind, x, y):
    return [row(kind, x, y), row(kind, y, x)]


def text(rows, columns=COLUMNS):
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def read(path, rows, columns=COLUMNS):
    path.write_text(text(rows, columns), encoding="utf-8")
    return PrimeKG().read({"kg": path})


def counts(tables, what="edges"):
    return dict(tables.counts.filter(what=what).select("reason", "count").rows())


def test_worked_example(tmp_path):
    rows = [
        *both(PPI, EGFR, TP53),
        row(PPI, EGFR, TP53),  # an exact repeat
        row(PPI, TP53, TP53),  # a self-loop
        *both(TARGET, GEFITINIB, EGFR),
        row(CARRIER, EGFR, GEFITINIB),  # the same pair once more, and no reverse
        row(("disease_protein", "associated with"), CANCER, (*TP53[:3], "P53", "NCBI")),  # another name
    ]
    tables = read(tmp_path / "kg.csv", rows)
    assert tables.nodes.rows() == [
        ("disease:MONDO:0005", "disease", "MONDO", "0005", 'carcinoma, "solid"', 3),
        ("drug:DrugBank:DB00317", "drug", "DrugBank", "DB00317", "Gefitinib", 2),
        ("gene/protein:NCBI:1956", "gene/protein", "NCBI", "1956", "EGFR", 0),
        ("gene/protein:NCBI:7157", "gene/protein", "NCBI", "7157", "P53", 1),
    ]
    assert tables.edges.rows() == [
        ("disease_protein", "disease:MONDO:0005", "gene/protein:NCBI:7157", "primekg:associated with"),
        (
            "drug_protein",
            "drug:DrugBank:DB00317",
            "gene/protein:NCBI:1956",
            "primekg:carrier;primekg:target",
        ),
        ("protein_protein", "gene/protein:NCBI:1956", "gene/protein:NCBI:7157", "primekg:ppi"),
    ]
    assert counts(tables) == {
        "read": 8,
        "self-loop": 1,
        "exact repeat of a row": 1,
        "second direction of an edge": 2,
        "same pair under another provenance": 1,
        "kept": 3,
    }
    assert counts(tables, "nodes and names") == {
        "read": 5,
        "another name of the node sorts first": 1,
        "kept": 4,
        "of these: grouped ids (13924_12592)": 0,
        "of these: ids that look like numbers, kept as text": 3,
        "of these: ids written as decimal numbers (9606.0)": 0,
        "of these: with several indices, the first kept": 0,
    }
    for table, schema in ((tables.nodes, schemas.Nodes), (tables.edges, schemas.Edges)):
        schemas.check(table, schema, "test")


def test_a_file_cut_at_the_end_of_a_line_is_counted_and_reported(tmp_path, caplog):
    statements = [(PPI, EGFR, TP53), (TARGET, GEFITINIB, EGFR), (CARRIER, GEFITINIB, TP53)]
    whole = [*(row(*each) for each in statements), *(row(kind, y, x) for kind, x, y in statements)]
    tables = read(tmp_path / "kg.csv", whole)
    assert counts(tables, "directions of edges") == {
        "stated in both directions": 3,
        "stated in one direction only": 0,
    }
    assert "direction" not in caplog.text
    for lost in (1, 2):
        cut = read(tmp_path / "cut.csv", whole[:-lost])
        assert cut.edges.equals(tables.edges)
        assert counts(cut, "directions of edges")["stated in one direction only"] == lost
        assert f"{lost} of 3 edges are stated in one direction only" in caplog.text
        assert f"it was cut, and ends at row {7 - lost}" in caplog.text


def test_column_order_additional_columns_and_gzip_change_nothing(tmp_path):
    rows = [*both(PPI, EGFR, TP53), *both(TARGET, GEFITINIB, EGFR)]
    plain = read(tmp_path / "kg.csv", rows)
    shuffled = [{**each, "row": "7"} for each in rows]
    other = read(tmp_path / "other.csv", shuffled, [*reversed(COLUMNS), "row"])
    windows = b"\xef\xbb\xbf" + text(rows).replace("\n", "\r\n").encode()
    (tmp_path / "kg.csv.gz").write_bytes(gzip.compress(windows, mtime=0))
    zipped = PrimeKG().read({"kg": tmp_path / "kg.csv.gz"})
    for tables in (other, zipped):
        assert tables.nodes.equals(plain.nodes)
        assert tables.edges.equals(plain.edges)
        assert tables.counts.equals(plain.counts)


def test_a_node_without_a_name_is_named_by_its_id(tmp_path):
    tables = read(tmp_path / "kg.csv", both(PPI, EGFR, ("1", "7157", "gene/protein", "", "NCBI")))
    assert tables.nodes["name"].to_list() == ["EGFR", "7157"]


def test_quirks_of_ids_are_kept_counted_and_reported(tmp_path, caplog):
    grouped = ("4", "13924_12592_14672", "disease", "osteogenesis imperfecta", "MONDO_grouped")
    decimal = ("5", "9606.0", "gene/protein", "ODD", "NCBI")
    again = ("6", *EGFR[1:])
    associated = ("disease_protein", "associated with")
    rows = [*both(associated, grouped, EGFR), *both(PPI, decimal, again)]
    tables = read(tmp_path / "kg.csv", rows)
    assert tables.nodes.select("node", "name", "index").rows() == [
        ("disease:MONDO_grouped:13924_12592_14672", "osteogenesis imperfecta", 4),
        ("gene/protein:NCBI:1956", "EGFR", 0),
        ("gene/protein:NCBI:9606.0", "ODD", 5),
    ]
    assert tables.edges["tail"].to_list() == ["gene/protein:NCBI:1956", "gene/protein:NCBI:9606.0"]
    reported = counts(tables, "nodes and names")
    assert [count for reason, count in reported.items() if reason.startswith("of these")] == [1, 1, 1, 1]
    assert "1 ids are written as decimal numbers, first '9606.0' of 'ODD'" in caplog.text
    schemas.check(tables.nodes, schemas.Nodes, "test")


BAD_ROWS = {
    "unknown relation": (
        {"relation": "drug_gene"},
        "row 3: unknown relation 'drug_gene'; known are PrimeKG's 30: anatomy_anatomy",
    ),
    "missing node": ({"y_id": ""}, "row 3: no y_id, so the edge leads to a missing node"),
    "missing type": ({"x_type": ""}, "row 3: no x_type"),
    "bad index": ({"y_index": "1.5"}, "row 3: y_index is '1.5', not a whole number"),
    "negative index": ({"x_index": "-1"}, "row 3: x_index is '-1', not a whole number"),
    "index of another node": ({"x_index": "0"}, "index 0 is both 'gene/protein:NCBI:1956' and"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_one_line_that_names_it(tmp_path, case):
    change, message = BAD_ROWS[case]
    rows = both(PPI, EGFR, TP53)
    rows[1] |= change
    with pytest.raises(InputError) as caught:
        read(tmp_path / "kg.csv", rows)
    assert str(tmp_path / "kg.csv") in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


GOOD = text(both(PPI, EGFR, TP53)).encode()
BAD_FILES = {
    "empty": (b"", "empty file"),
    "empty gzip": (gzip.compress(b"", mtime=0), "empty file"),
    "header only": (GOOD.splitlines(keepends=True)[0], "a header and no rows"),
    "truncated gzip": (gzip.compress(GOOD * 50, mtime=0)[:-20], "truncated or damaged"),
    "missing column": (GOOD.replace(b"y_source", b"target_source"), "row 1: no column 'y_source'"),
    "too many fields": (GOOD + b"a," * 20 + b"\n", "row 4: 21 fields under a header of 12"),
    "short row": (GOOD + b"protein_protein,ppi,0,1956\n", "row 4: no x_type"),
    "stray quote": (GOOD.replace(b"TP53", b'TP"53', 1), "row 2: a stray quotation mark"),
    "stray quote at the start of a field": (
        GOOD.replace(b"TP53", b'"TP53', 1),
        "row 2: a stray quotation mark",
    ),
    "rows swallowed between two stray quotes": (
        GOOD.replace(b"EGFR", b'"EGFR', 1).replace(b"TP53,NCBI,0", b'TP53",NCBI,0', 1),
        "row 2: a stray quotation mark",
    ),
    "not UTF-8": (GOOD.replace(b"TP53", b"\xff\xfe"), "row 2: not UTF-8 text"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, case):
    content, message = BAD_FILES[case]
    path = tmp_path / "kg.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        PrimeKG().read({"kg": path})
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@st.composite
def graphs(draw):
    kinds = [("protein_protein", "ppi"), ("protein_protein", "other"), ("pathway_protein", "interacts with")]
    ends = st.integers(0, 5)
    return draw(st.lists(st.tuples(st.sampled_from(kinds), ends, ends), min_size=1, max_size=30))


def as_rows(statements):
    nodes = [(str(i), f"{i:03}", "abc"[i % 3], f"name {i}", "S") for i in range(6)]
    return [row(kind, nodes[x], nodes[y]) for kind, x, y in statements]


@given(statements=graphs(), order=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_properties(tmp_path, statements, order):
    path = tmp_path / "kg.csv"
    tables = read(path, as_rows(statements))
    reported = counts(tables)
    assert reported.pop("read") == sum(reported.values())
    wanted = {(kind[0], frozenset((x, y))) for kind, x, y in statements if x != y}
    assert reported["kept"] == len(wanted) == len(tables.edges)
    if wanted:
        check_edges(tables.nodes, tables.edges)
    # Neither the order of the rows nor adding the reverse direction changes the graph.
    more = [*statements, *((kind, y, x) for kind, x, y in statements)]
    order.shuffle(more)
    again = read(path, as_rows(more))
    assert again.edges.equals(tables.edges)
    assert again.nodes.equals(tables.nodes)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_real_slice():
    tables = PrimeKG().read({"kg": SHARED})
    check_edges(tables.nodes, tables.edges)
    assert counts(tables) == {
        "read": 703_708,
        "self-loop": 1_302,
        "exact repeat of a row": 0,
        "second direction of an edge": 351_203,
        "same pair under another provenance": 0,
        "kept": 351_203,
    }
    assert len(tables.nodes) == 44_897
    # The head of a relation has one type; ablations that preserve types rely on it.
    types = tables.edges.select("relation", pl.col("head", "tail").str.extract("^([^:]+):"))
    mixed = types.unique().group_by("relation").len().filter(pl.col("len") > 1)
    assert mixed.is_empty()
