"""Unpacking: only the named member, to our own path; damage, wrong sizes and bombs end in one line."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections import namedtuple

import pytest

from perturbkg.errors import InputError
from perturbkg.sources import disk, unpack

DATA = b"a,b\n" + b"1,2\n" * 50_000


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            # A ZipInfo is dated 1980; a plain name would be dated by the clock.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(members, **more):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in more.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return stream.getvalue()


PACKED = {
    "gzip": gzip.compress(DATA, mtime=0),
    "zip:data/kg.csv": zipped({"README": b"x", "data/kg.csv": DATA}),
    "tar:data/kg.csv": gzip.compress(tarred({"README": b"x", "./data/kg.csv": DATA}), mtime=0),
    "zip:../../x": zipped({"../../x": DATA, "kg.csv": b"a,b\n"}),
    "tar:/etc/../../x": lzma.compress(tarred({"/etc/../../x": DATA})),
}


@pytest.fixture
def publish(fetching):
    """Return a function that serves packed bytes and fetches them."""

    def call(content, kind, **changes):
        (fetching.server.folder / "packed").write_bytes(content)
        return fetching(url=f"{fetching.server.url}/packed", unpack=kind, **changes)

    return call


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", PACKED)
def test_the_named_member_is_written_to_our_own_path_and_nothing_else(fetching, publish, tmp_path, kind):
    receipt = publish(PACKED[kind], kind)
    assert fetching.file.read_bytes() == DATA
    assert receipt.unpacked.bytes == len(DATA)
    assert receipt.download.bytes == len(PACKED[kind])
    served = {"served/packed", "sources.lock.json", ".sources.lock.json.guard", "downloads/kg.json"}
    assert files(tmp_path) == served | {
        f"downloads/kg/{name}" for name in ("kg.csv", ".guard", ".kg.csv.receipt")
    }
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (PACKED["gzip"][:-20], "gzip", "is damaged or truncated"),
        (PACKED["gzip"][:-6] + b"123456", "gzip", "is damaged or truncated"),
        (PACKED["gzip"] + b"rubbish", "gzip", "is damaged or truncated"),
        (PACKED["zip:data/kg.csv"][:-30], "zip:data/kg.csv", "is damaged or truncated"),
        (PACKED["zip:data/kg.csv"], "zip:kg.csv", "holds no 'kg.csv'; it holds 'README', 'data/kg.csv'"),
        (PACKED["tar:data/kg.csv"], "tar:kg.csv", "holds no 'kg.csv'; it holds './data/kg.csv', 'README'"),
        (PACKED["tar:data/kg.csv"][:-40], "tar:data/kg.csv", "is damaged or truncated"),
        (bz2.compress(tarred({"kg.csv": DATA}))[:-40], "tar:kg.csv", "is damaged or truncated"),
        (tarred({}, link=tarfile.SYMTYPE), "tar:link", "holds 'link' as a link or folder, not as a file"),
        (tarred({}, link=tarfile.LNKTYPE), "tar:link", "holds 'link' as a link or folder, not as a file"),
        (tarred({}, pipe=tarfile.FIFOTYPE), "tar:pipe", "holds 'pipe' as a link or folder, not as a file"),
        (gzip.compress(b"<html>,</html>", mtime=0), "gzip", "unpacked, it is a web page or XML, not csv"),
        (gzip.compress(b"", mtime=0), "gzip", "unpacked, it is empty"),
        (DATA, "gzip", "is not gzip: it begins with 'a,b"),
        (PACKED["gzip"], "zip:kg.csv", "is not zip"),
        (DATA, "tar:kg.csv", "is not tar"),
        (zipped({f"{number}.csv": b"" for number in range(10)}), "zip:kg.csv", "'7.csv' and 2 more"),
    ],
)
def test_what_cannot_be_unpacked_is_one_line_and_leaves_nothing(fetching, publish, content, kind, reason):
    with pytest.raises(InputError) as caught:
        publish(content, kind)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(fetching.folder) == {"kg/.guard"}
    assert not fetching.lock.exists()


def test_a_damaged_archive_switches_to_the_mirror(fetching, publish):
    (fetching.server.folder / "mirror").write_bytes(PACKED["gzip"])
    receipt = publish(PACKED["gzip"][:-20], "gzip", mirrors=(f"{fetching.server.url}/mirror",))
    assert receipt.origin.endswith("/mirror")


def test_a_bomb_is_stopped_while_it_is_written(fetching, publish, monkeypatch):
    usage = namedtuple("usage", "total used free")

    def shrinking(folder):
        here = sum(path.stat().st_size for path in fetching.folder.rglob("*") if path.is_file())
        return usage(10**6, here, 10**6 - here)

    monkeypatch.setattr(disk.shutil, "disk_usage", shrinking)
    monkeypatch.setattr(unpack, "STRIDE", 10**5)
    monkeypatch.setattr(unpack, "CHUNK", 10**5)
    bomb = gzip.compress(b"a,b\n" + bytes(5 * 10**7), mtime=0)
    with pytest.raises(InputError, match=r"^kg: needs 100\.0 kB of disk in .*; free some"):
        publish(bomb, "gzip")
    # The download is complete and stays, to be unpacked when there is space.
    assert files(fetching.folder) == {"kg/.guard", "kg/.kg.csv.gz.part", "kg/.kg.csv.gz.part.json"}
    member = zipped({"kg.csv": DATA * 20})
    with pytest.raises(InputError, match=r"^kg: needs 4\.0 MB of disk"):
        publish(member, "zip:kg.csv")


def test_unpacking_is_repeated_after_a_failure_without_a_second_download(fetching, publish, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "perturbkg.sources.fetch.unpack_file", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(InputError, match="the disk or quota is full"):
            publish(PACKED["gzip"], "gzip")
    assert publish(PACKED["gzip"], "gzip").unpacked.bytes == len(DATA)
    assert len(fetching.server.requests) == 1


def test_an_encrypted_member_is_one_line(fetching, publish):
    content = bytearray(PACKED["zip:data/kg.csv"])
    central = content.rindex(b"PK\x01\x02")
    content[central + 8] |= 1  # the flag of an encrypted member
    with pytest.raises(InputError, match=r"is damaged or truncated .*encrypted"):
        publish(bytes(content), "zip:data/kg.csv")
