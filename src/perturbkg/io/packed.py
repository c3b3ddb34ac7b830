"""Read what is inside compressed files, known by their first bytes whatever their name.

gzip, bzip2, xz and a zip of one file are read; other kinds must be unpacked first.
"""

import bz2
import gzip
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from perturbkg.errors import InputError
from perturbkg.io.files import number_of, reached
from perturbkg.io.scratch import disk_full_explained


class Packing(NamedTuple):
    """A kind of compressed file."""

    name: str
    magic: bytes  # first bytes
    unpack: str  # the command that unpacks it


PACKINGS = (
    Packing("gzip", b"\x1f\x8b", "gunzip --keep"),
    Packing("bzip2", b"BZh", "bunzip2 --keep"),
    Packing("xz", b"\xfd7zXZ\x00", "unxz --keep"),
    Packing("zip", b"PK\x03\x04", "unzip"),
    Packing("zstd", b"\x28\xb5\x2f\xfd", "unzstd"),
    Packing("lz4", b"\x04\x22\x4d\x18", "unlz4"),
    Packing("compress", b"\x1f\x9d", "uncompress"),
    Packing("7z", b"7z\xbc\xaf\x27\x1c", "7z x"),
    Packing("rar", b"Rar!\x1a\x07", "unrar x"),
)
# What Python's own modules raise where compressed data are damaged; bz2 an OSError without a number.
DAMAGED = (
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
)
AT_ONCE = 2**20


def packing_of(path: str | Path) -> Packing | None:
    """Return how a file is compressed, None where it is not."""
    with reached(path), Path(path).open("rb") as file:
        start = file.read(8)
    return next((packing for packing in PACKINGS if start.startswith(packing.magic)), None)


def unpack_first(path: str | Path, packing: Packing) -> InputError:
    """Return the error about a compressed file that is not read as it is."""
    return InputError(f"{path}: compressed by {packing.name}: unpack it first: {packing.unpack} {path}")


@contextmanager
def content(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, unpacked; damage is an InputError, also where the bytes are read."""
    packing = packing_of(path)
    with reached(path):
        try:
            with _opened(path, packing) as file:
                yield file
        except (*DAMAGED, OSError) as error:
            if number_of(error) is not None:
                raise
            raise damaged(path, error) from error


def _opened(path: Path, packing: Packing | None) -> IO[bytes]:
    """Open the bytes inside a file."""
    match packing.name if packing else None:
        case None:
            return path.open("rb")
        case "gzip":
            return cast(IO[bytes], gzip.open(path))
        case "bzip2":
            return cast(IO[bytes], bz2.open(path))
        case "xz":
            return cast(IO[bytes], lzma.open(path))
        case "zip":
            return _only_member(path)
        case _:
            raise unpack_first(path, cast(Packing, packing))


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield the path of a file that Polars can read: `path`, or a temporary copy of what is inside.

    Polars unpacks gzip by itself, and as a stream, but not what was padded with zeros behind its end.
    """
    packing = packing_of(path)
    if packing is None or (packing.name == "gzip" and not _may_be_padded(path)):
        yield path
        return
    with (
        tempfile.NamedTemporaryFile(prefix="perturbkg-") as copy,
        disk_full_explained(Path(tempfile.gettempdir())),
    ):
        with content(path) as file:
            shutil.copyfileobj(file, copy, AT_ONCE)
        copy.flush()
        yield Path(copy.name)


def damaged(path: Path, error: Exception) -> InputError:
    """Return the error about a file whose content cannot be read to its end."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: truncated or damaged ({reason}); fetch it again")


def _only_member(path: Path) -> IO[bytes]:
    """Open the one file of a zip; what the computer of its maker added does not count."""
    archive = zipfile.ZipFile(path)
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not PurePosixPath(name).name.startswith(".") and "__MACOSX/" not in name
    ]
    if "[Content_Types].xml" in names or "content.xml" in names:
        raise InputError(f"{path}: a spreadsheet or document; save the sheet as CSV")
    if len(names) != 1:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise InputError(f"{path}: a zip of {len(names)} files; unzip it and give one of them ({shown})")
    return archive.open(names[0])


def _may_be_padded(path: Path) -> bool:
    """Return whether the last byte of a gzip file is zero: padding, or its content is shorter than 16 MiB.

    The last four bytes of a file without padding are the length of its content.
    """
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == bytes(1)
