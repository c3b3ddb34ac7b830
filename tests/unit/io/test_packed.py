import bz2
import errno
import gzip
import io
import lzma
import os
import zipfile

import pytest

from perturbkg.errors import InputError
from perturbkg.io import delimited, packed, tables

TEXT = b"id,value\n" + b"".join(b"i%d,%d\n" % (i, i) for i in range(99))


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


PACKED = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT, mtime=0),
    "gzip of two parts": gzip.compress(TEXT[:400], mtime=0) + gzip.compress(TEXT[400:], mtime=0),
    "padded gzip": gzip.compress(TEXT, mtime=0) + bytes(512),
    "gzip padded by one zero": gzip.compress(TEXT, mtime=0) + bytes(1),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zip": zipped(**{"folder/": b"", "folder/t.csv": TEXT, "__MACOSX/._t.csv": b"x", ".DS_Store": b"x"}),
}


@pytest.mark.parametrize("kind", list(PACKED))
@pytest.mark.parametrize("name", ["table", "table.csv.gz"])
def test_the_content_is_read_under_any_name(tmp_path, kind, name):
    path = tmp_path / name
    path.write_bytes(PACKED[kind])
    assert delimited.header(path) == tables.columns(path) == ["id", "value"]
    for table in (delimited.read(path, ["id", "value"]), tables.read(path, ["id", "value"])):
        assert table.rows() == [(i + 2, f"i{i}", str(i)) for i in range(99)]
    assert sum(len(batch) for batch in tables.batches(path, ["id"], 10)) == 99


@pytest.mark.parametrize(
    ("kind", "where"),
    [(kind, where) for kind in ("gzip", "padded gzip", "bzip2", "xz") for where in (0.3, 0.6, 0.9)]
    + [("zip", 0.3)],  # after that is the list of its files
)
def test_damage_and_truncation_are_one_line(tmp_path, kind, where):
    path = tmp_path / "t"
    whole = PACKED[kind] if kind != "padded gzip" else PACKED["gzip"]
    at = int(len(whole) * where)
    padding = bytes(64) if kind == "padded gzip" else b""
    for content in (whole[:at] + padding, whole[:at] + b"\xff\x00\xff\x55" + whole[at + 4 :] + padding):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            tables.read(path, ["id", "value"])
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and "\n" not in message
        assert "truncated or damaged" in message or "row" in message or "zip" in message


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"Rar!\x1a\x07\x00", "rar"),
        (b"\x1f\x9d\x90", "compress"),
    ],
)
def test_an_unsupported_format_is_an_error_with_the_remedy(tmp_path, magic, name):
    path = tmp_path / "t.csv"
    path.write_bytes(magic + bytes(99))
    for read in (delimited.read, tables.read):
        with pytest.raises(InputError, match=f"compressed by {name}: unpack it first: "):
            read(path, ["id"])


def test_a_zip_of_none_or_several_files_or_a_spreadsheet_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    for content, message in {
        zipped(a=b"id\n1\n", b=b"id\n2\n"): r"a zip of 2 files; unzip it and give one of them \(a, b\)",
        zipped(**{"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}): "a spreadsheet or document",
        zipped(**{"mimetype": b"x", "content.xml": b"x"}): "a spreadsheet or document",
    }.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            delimited.read(path, ["id"])


def test_a_temporary_copy_is_removed_and_a_full_disk_named(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_bytes(PACKED["bzip2"])
    with packed.readable(path) as copy:
        assert copy != path and copy.read_bytes() == TEXT
    assert not copy.exists()

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfileobj", fail)
    with pytest.raises(InputError, match="the disk is full"):
        delimited.read(path, ["id"])


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOTCONN, errno.EIO])
def test_an_unreachable_file_is_not_reported_as_damaged(tmp_path, monkeypatch, number):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT)

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("pathlib.Path.open", fail)
    for read in (delimited.read, tables.read):
        with pytest.raises(InputError, match=f"cannot be read .{os.strerror(number)}.; check") as caught:
            read(path, ["id"])
        assert "damaged" not in str(caught.value)
