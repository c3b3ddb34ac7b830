import gzip
import math

import polars as pl
import pytest

from perturbkg.errors import InputError
from perturbkg.io import tables

ROWS = pl.DataFrame(
    {
        "drug": ["d1", 'a "b", c', "d3", "d4", "d5"],
        "targets": ["A|B", None, "C", None, None],
        "dose": ["1.5", None, "2.0", None, "-3.0"],
    }
)


def written(folder, kind):
    path = folder / "table"  # the name does not show the format
    if kind == "parquet":
        ROWS.with_columns(
            pl.col("drug").cast(pl.Categorical),
            pl.col("targets").str.split("|"),
            pl.col("dose").cast(pl.Float64).fill_null(math.nan),
        ).write_parquet(path)
        return path
    ROWS.write_csv(path, separator="\t" if kind.startswith("tsv") else ",", null_value="-666")
    if kind.endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "tsv.gz", "parquet"])
def test_every_format_reads_the_same(tmp_path, kind):
    path = written(tmp_path, kind)
    expected = ROWS.with_columns(pl.lit(None, pl.String).alias("smiles"))
    assert tables.columns(path) == ROWS.columns
    table = tables.read(path, ["drug", "targets"], ["dose", "smiles"])
    assert table["row"].to_list() == [2, 3, 4, 5, 6]
    assert table.drop("row").equals(expected)
    parts = list(tables.batches(path, ["dose", "drug"], 2))
    whole = pl.concat(parts).select(
        pl.col("drug").cast(pl.String), pl.col("dose").cast(pl.Float64, strict=False)
    )
    expected = ROWS.select("drug", pl.col("dose").cast(pl.Float64))
    assert whole.fill_nan(None).equals(expected)  # and -666 is null
    assert all(len(part) <= 2 for part in parts)


def test_one_column_has_no_separator(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("cell\nA375\n\n5637\n")
    assert tables.read(path, ["cell"]).rows() == [(2, "A375"), (4, "5637")]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty file"),
        (b"drug,smiles\n", "a header and no rows"),
        (b"drug,dose\nd1,1\n", "no column 'smiles'; found are drug, dose"),
        (b"drug,smiles,drug\nd1,C,d2\n", "column 'drug' twice"),
        (b"drug,smiles\nd1,C,C\n", "row 2: 3 fields under a header of 2"),
        (b"drug\tsmiles\nd1\tC\xff\n", "row 2: not UTF-8 text"),
        (b'drug,smiles\n"d1,C\n', "row 2: a quotation mark that is not closed"),
        (
            b"drug,smiles,name,moa\nd1,C,2,4-D,x\n",
            "row 2: 5 fields under a header of 4",
        ),  # beyond the columns read
        (b'drug,smiles\nd1,C\nd"2,C\n', "row 3: a stray quotation mark"),
        (b"drug,smiles,caf\xe9\nd1,C,x\n", "row 1: not UTF-8 text"),
        (gzip.compress(b"drug,smiles\nd1,C\n", mtime=0)[:-9], "truncated or damaged"),
        (b"PAR1 and no more", "damaged Parquet file"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, content, part):
    path = tmp_path / "table"
    path.write_bytes(content)
    for attempt in (lambda: tables.read(path, ["drug", "smiles"]), lambda: read_in_batches(path)):
        with pytest.raises(InputError) as caught:
            attempt()
        assert str(path) in str(caught.value) and part in str(caught.value)
        assert "\n" not in str(caught.value)


def read_in_batches(path):
    if not list(tables.batches(path, ["drug", "smiles"], 10)):
        raise InputError(f"{path}: a header and no rows")


def test_a_damaged_parquet_file_is_reported_as_such(tmp_path):
    path = tmp_path / "table"
    ROWS.write_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 40 + content[44:])
    for attempt in (lambda: tables.read(path, ["drug"]), lambda: list(tables.batches(path, ["drug"], 10))):
        with pytest.raises(InputError, match="damaged Parquet file") as caught:
            attempt()
        assert "\n" not in str(caught.value)


HEADER, BODY = ["drug", "full name", "n"], [["d1", "acid, free; salt", "1"], ["d2", "tab\there", "2"]]


def spelled(separator, end, mark, quoted):
    """Write HEADER and BODY as text: `quoted` chooses which fields are in quotation marks."""

    def line(fields):
        return separator.join(f'"{field}"' if quoted(field, fields) else field for field in fields) + end

    return mark + "".join(map(line, [HEADER, *BODY])).encode()


ALL = {
    "all": lambda field, fields: True,
    "header": lambda field, fields: fields == HEADER or set(field) & set(",;\t"),
    "first": lambda field, fields: field == HEADER[0] or set(field) & set(",;\t"),
    "needed": lambda field, fields: set(field) & set(",;\t"),
}


@pytest.mark.parametrize("separator", [",", "\t", ";"], ids=["comma", "tab", "semicolon"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
@pytest.mark.parametrize("quoted", list(ALL))
def test_quotation_marks_around_any_fields(tmp_path, separator, end, mark, quoted):
    path = tmp_path / "table"
    path.write_bytes(spelled(separator, end, mark, ALL[quoted]))
    assert tables.columns(path) == HEADER
    table = tables.read(path, HEADER)
    assert [list(row) for row in table.drop("row").rows()] == BODY
    assert pl.concat(tables.batches(path, HEADER, 10)).equals(table.drop("row"))


def test_separators_within_quotation_marks_do_not_count(tmp_path):
    path = tmp_path / "table"
    path.write_text('"a;b;c;d","e\tf"\n1,2\n')
    assert tables.columns(path) == ["a;b;c;d", "e\tf"]
    path.write_text('"row names: 1,2,3";b\n1,5;2\n')
    assert tables.read(path, ["b"]).rows() == [(2, "2")]


def test_na_texts_are_null_except_in_ids(tmp_path):
    words = ["NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", "NaN", "nan", "-666", ""]
    frame = pl.DataFrame({"id": [*words, "Na"], "name": [*words, "Na"], "other": "x"})
    frame.write_csv(tmp_path / "x.csv", quote_style="non_numeric")
    frame.write_csv(tmp_path / "x.tsv", separator="\t")
    frame.write_parquet(tmp_path / "x.parquet")
    for name in ("x.csv", "x.tsv", "x.parquet"):
        table = tables.read(tmp_path / name, ["id", "other"], ["name"], ids=["id"])
        assert table["name"].to_list() == [None] * len(words) + ["Na"]
        assert table["id"].to_list() == words[:8] + [None] * 4 + ["Na"]  # MISSING is missing in ids too
        assert table["row"].to_list() == list(range(2, 15))


def test_row_names_of_r_without_a_name_are_explained(tmp_path):
    path = tmp_path / "table"
    path.write_text('"drug"\t"smiles"\n"1"\t"d1"\t"C"\n')
    with pytest.raises(InputError, match=r"row 2: 3 fields under a header of 2 .if R wrote row names"):
        tables.read(path, ["drug"])


def test_a_line_end_in_the_name_of_a_column_stays_out_of_the_error(tmp_path):
    path = tmp_path / "table"
    path.write_text('id,"the\ndose"\na,high\n')
    with pytest.raises(InputError, match=r"row 2: the dose is 'high', not a number"):
        tables.numbers(tables.read(path, ["the\ndose"]), ["the\ndose"], path)


KNOWN = ("signature", "cell")


@pytest.mark.parametrize(
    ("text", "expected", "ids"),
    [
        (
            '"","signature","cell","10","20"\n"1","b","A",1,2\n"2","a","B",3,4\n',
            ["signature", "cell"],
            ["b", "a"],
        ),
        (",cell,10,20,signature\n0,A,1,2,b\n1,B,3,4,a\n", ["signature", "cell"], ["b", "a"]),
        (
            "Unnamed: 0,signature,cell,10,20\n7,b,A,1,2\n3,a,B,3,4\n",
            ["signature", "cell"],
            ["b", "a"],
        ),  # a part of a table
        ("rowid,cell,signature,10,20\n1,A,b,1,2\n2,B,a,3,4\n", ["signature", "cell"], ["b", "a"]),
        (",cell,10,20\nb,A,1,2\na,B,3,4\n", ["", "cell"], ["b", "a"]),
        ("signature,cell,10,20\nb,A,1,2\na,B,3,4\n", ["signature", "cell"], ["b", "a"]),
        ("sig_id,signature,cell,10,20\nb,x,A,1,2\na,y,B,3,4\n", ["sig_id", "signature", "cell"], ["b", "a"]),
        ("sig_id,cell,10,20\n1,A,1,2\n2,B,3,4\n", ["sig_id", "cell"], ["1", "2"]),
    ],
    ids=["R", "pandas", "read again", "named", "only index", "none", "two ids", "numbers as ids"],
)
def test_row_numbers_are_no_ids(tmp_path, text, expected, ids):
    path = tmp_path / "x.csv"
    path.write_text(text)
    obs, genes = tables.labels(path, KNOWN)
    assert obs.columns == expected
    assert obs.to_series(0).to_list() == ids
    assert genes["gene"].to_list() == ["10", "20"]
    assert tables.values(path, KNOWN).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_alone_are_refused(tmp_path, start):
    path = tmp_path / "x.csv"
    path.write_text(f",cell,10\n{start},A,1\n{start + 1},B,2\n")
    with pytest.raises(
        InputError, match=r"no name and holds row numbers.*row.names = FALSE.*index=False"
    ) as e:
        tables.labels(path, KNOWN)
    assert "\n" not in str(e.value)
