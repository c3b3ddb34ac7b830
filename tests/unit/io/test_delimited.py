import gzip

import pytest

from perturbkg.errors import InputError
from perturbkg.io.delimited import given, header, identified, numbers, read


def test_reads_text_and_numbers_its_rows(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b'\xef\xbb\xbfid\tvalue\tmore\r\n007\t-666\tx\r\n\r\n"a"\t2.5\ty\r\n')
    table = read(path, ["value", "id"], ["absent"])
    assert table.columns == ["row", "value", "id", "absent"]
    # A blank line counts as a row of the file; an id stays text; CMap's -666 is null; quotes are text.
    assert table.rows() == [(2, None, "007", None), (4, "2.5", '"a"', None)]
    assert numbers(table, ["value"], path)["value"].to_list() == [None, 2.5]


def test_columns_that_are_not_needed_do_no_harm(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"more\tid\tmore\tcaf\xe9\trow\nx\ta\ty\tz\t7\n")
    assert read(path, ["id"]).rows() == [(2, "a")]


def test_reads_gzip_by_content(tmp_path):
    path = tmp_path / "named_wrongly.txt"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n", mtime=0))
    assert header(path) == ["a", "b"]
    assert read(
        path,
        ["b"],
    ).rows() == [(2, "2")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"id\tvalue\n", "a header and no rows"),
        (b"id\tother\na\t1\n", "row 1: no column 'value'; found are id, other"),
        (b"id\tvalue\na\t1\t2\n", "row 2: 3 fields under a header of 2"),
        (gzip.compress(b"id\tvalue\n" + b"a\t1\n" * 9, mtime=0)[:-6], "truncated or damaged"),
        (b"id\tvalue\n\xff\t1\n", "row 2: not UTF-8"),
        (
            b"id\tvalue\tx\ty\na\t1\tx\ty\tz\n",
            "row 2: 5 fields under a header of 4",
        ),  # beyond the columns read
        (b"id\tvalue\tid\na\t1\tb\n", "row 1: column 'id' twice"),
        (b"\nid\tvalue\na\t1\n", "row 1: empty; it must hold the names of the columns"),
        (b"id\tvalue\ra\t1\r", "row 1: no header (a quotation mark that is not closed, a line end within"),
        (b"<html>" + b"x" * 200_000, "row 1: no header"),
        (b"id\tvalue\na\t" + b"x" * 200_000 + b"\nb\t\xff\n", "row 2: a quotation mark that is not closed"),
        ("id\tvalue\na\t1\n".encode("utf-16"), "row 1: not UTF-8 text"),
        (b"PK\x03\x04\x14\n" + b"x" * 99, "truncated or damaged (File is not a zip file)"),
        (b"<!DOCTYPE html>\n<p>\n", "no column 'id', 'value'; found are <!DOCTYPE html>"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, content, message):
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, ["id", "value"])
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_that_are_not_numbers_and_repeated_ids_are_named(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("id\tvalue\na\t1\nb\tten\na\t2\n\t3\n")
    table = read(path, ["id", "value"])
    with pytest.raises(InputError, match=r"row 3: value is 'ten', not a number"):
        numbers(table, ["value"], path)
    with pytest.raises(InputError, match=r"row 5: no id"):
        identified(table, "id", path)
    with pytest.raises(InputError, match=r"rows 2 and 4: id 'a' twice"):
        identified(table.drop_nulls("id"), "id", path)


def test_a_missing_key_or_file_is_reported_with_its_purpose(tmp_path):
    with pytest.raises(InputError, match=r"no key 'kg'; give the path of: kg\.csv"):
        given({}, "kg", {"kg": "kg.csv of PrimeKG"})
    with pytest.raises(InputError, match=r"no such file; files\.kg must be: kg\.csv"):
        given({"kg": tmp_path / "kg.csv"}, "kg", {"kg": "kg.csv of PrimeKG"})


def test_quotation_marks_are_text_unless_the_header_has_them(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text('id\tname\na\t5" long\nb\t"quoted"\n')
    assert read(path, ["name"])["name"].to_list() == ['5" long', '"quoted"']
    path.write_text('"id"\t"name"\n"a"\t"5"" long"\n')  # as R or pandas writes it
    assert read(path, ["name"])["name"].to_list() == ['5" long']
    path.write_text('id;name\na;"x;y"\n')
    assert read(path, ["name"])["name"].to_list() == ["x;y"]


@pytest.mark.parametrize("text", ["NA", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A"])
def test_an_unavailable_number_is_null(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(f"id\tvalue\na\t{text}\nb\t2\n")
    assert numbers(read(path, ["value"]), ["value"], path)["value"].to_list() == [None, 2.0]


def test_a_decimal_comma_is_explained(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text('id;value\na;"0,5"\n')
    with pytest.raises(InputError, match=r"row 2: value is '0,5', not a number; write a decimal point"):
        numbers(read(path, ["value"]), ["value"], path)


def test_a_publishers_file_cut_within_its_last_row_is_refused(tmp_path):
    path = tmp_path / "t.txt"
    whole = "id\tname\tvalue\n" + "".join(f"i{i}\tn{i}\t{i}\n" for i in range(9))
    for end, message in {
        len(whole) - 6: "cut off: the last row has 1 fields under a header of 3",
        whole.index("\t8\n"): "cut off: the last row has 2 fields",
    }.items():
        path.write_text(whole[:end])
        with pytest.raises(InputError, match=message):
            read(path, ["id"])
    # Without a line end, and cut where it cannot be detected.
    for end in (len(whole) - 1, whole.index("i8")):
        path.write_text(whole[:end])
        assert len(read(path, ["id"])) == whole[:end].count("i") - 1
    # Rows of a user's own table may be short, with or without a line end.
    path.write_text("id\tname\tvalue\na\tb\n\nc")
    assert read(path, ["id", "name"], own=True).rows() == [(2, "a", "b"), (4, "c", None)]


def test_a_quoted_last_row_of_several_lines_is_complete(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('id,note,value\na,"one\ntwo",3')
    assert read(path, ["id", "value"]).rows() == [(2, "a", "3")]
