"""First bytes: each format and compression is recognised only as itself, and a web page as neither."""

import gzip
import io
import tarfile
import zipfile

import h5py
import polars as pl
import pytest

from perturbkg.sources.content import ContentError, Digester, check_beginning, digest_file


def hdf5():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["matrix"] = [1.0]
    return stream.getvalue()


def parquet():
    stream = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(stream)
    return stream.getvalue()


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.csv"), "a,b\n")  # of 1980, not of now
    return stream.getvalue()


def tarred(mode="w"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"a,b\n"))
    return stream.getvalue()


BYTES = {
    "csv": b"\xef\xbb\xbfa,b\n1,2\n",
    "tsv": b"a\tb\n1,0\t2\n",
    "gctx": hdf5(),
    "parquet": parquet(),
    "json": b'\n {"a": 1}',
    "gzip": gzip.compress(b"a,b\n", mtime=0),
    "zip": zipped(),
    "tar": tarred(),
}


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("content", BYTES)
def test_each_kind_is_recognised_only_as_itself(tmp_path, kind, content):
    path = tmp_path / "file"
    path.write_bytes(BYTES[content])
    if kind == content or (kind, content) == ("tar", "gzip"):  # a tar may be compressed as a whole
        check_beginning(path, kind)
    else:
        with pytest.raises(ContentError, match=r"^is not .*: it begins with '"):
            check_beginning(path, kind)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_may_be_compressed(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(tarred(mode))
    check_beginning(path, "tar")


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html>", b"\xef\xbb\xbf\r\n\t<HTML>", b"<?xml version='1.0'?><Error>,\t</Error>"]
)
def test_a_web_page_is_refused_as_each_kind(tmp_path, kind, page):
    path = tmp_path / "file"
    path.write_bytes(page)
    with pytest.raises(ContentError, match=f"is a web page or XML, not {kind}"):
        check_beginning(path, kind)


def test_a_header_longer_than_the_bytes_examined(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b",".join(b"%d" % number for number in range(20_000)) + b"\n")
    check_beginning(path, "csv")


def test_digests_of_a_file_continue_with_the_bytes_that_follow(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    digester = digest_file(path, ["md5"])
    # RFC 1321 and FIPS 180-2 give these for "abc".
    assert digester.content.digests["md5"] == "900150983cd24fb0d6963f7d28e17f72"
    assert digester.content.sha256.startswith("ba7816bf8f01cfea414140de5dae2223")
    digester.update(b"def")
    whole = Digester(["md5"])
    whole.update(b"abcdef")
    assert digester.content == whole.content
