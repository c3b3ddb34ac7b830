"""Inspect files: compute digests in one pass, and check the first bytes against the catalogue's format."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perturbkg.io.scripting import progress

CHUNK = 2**20
#: How many bytes at the beginning of a file are inspected.
HEAD = 4096
MAGIC = {
    "gctx": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "parquet": (b"PAR1", "Parquet"),
    "gzip": (b"\x1f\x8b", "gzip"),
    "zip": (b"PK\x03\x04", "zip"),
}
#: A tar archive may be compressed as a whole.
TAR = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
DELIMITER = {"csv": (b",", "comma"), "tsv": (b"\t", "tab")}


class ContentError(Exception):
    """Bytes that are not the expected ones; the message continues the name of a file or an address."""


@dataclass(frozen=True)
class Content:
    """The length of a file in bytes, and its digests by algorithm."""

    bytes: int
    digests: dict[str, str]

    @property
    def sha256(self) -> str:
        """The digest that every content has."""
        return self.digests["sha256"]


class Digester:
    """Digests of bytes as they pass; SHA-256 always, others as asked for."""

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        """Start with no bytes."""
        # MD5 only compares with what publishers state; the flag allows it where policy forbids it.
        self._hashes = {
            name: hashlib.new(name, usedforsecurity=False) for name in sorted({"sha256", *algorithms})
        }
        self.bytes = 0

    def update(self, chunk: bytes) -> None:
        """Add bytes."""
        for each in self._hashes.values():
            each.update(chunk)
        self.bytes += len(chunk)

    @property
    def content(self) -> Content:
        """Return length and digests of the bytes so far."""
        return Content(self.bytes, {name: each.hexdigest() for name, each in self._hashes.items()})


def digest_file(path: Path, algorithms: Iterable[str] = (), *, title: str = "") -> Digester:
    """Read a file once; return its digester, to which more bytes may be added."""
    digester = Digester(algorithms)
    with path.open("rb") as file, byte_bar(path.stat().st_size, f"{title or path.name}: verifying") as bar:
        while chunk := file.read(CHUNK):
            digester.update(chunk)
            bar.update(len(chunk))
    return digester


def byte_bar(total: float | None, title: str, done: int = 0) -> Any:
    """Return a progress bar of bytes with rate and time left."""
    return progress(total=total, desc=title, initial=done, unit="B", unit_scale=True)


def check_beginning(path: Path, kind: str) -> None:
    """Raise ContentError unless the file begins as its kind (a format or packing of the catalogue) does."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise ContentError("is empty")
    if text.startswith(b"<"):
        raise ContentError(f"is a web page or XML, not {kind}: it begins with {_shown(text)}")
    if kind in MAGIC:
        magic, name = MAGIC[kind]
        fits = head.startswith(magic)
        wanted = name
    elif kind == "tar":
        fits, wanted = head[257:262] == b"ustar" or head.startswith(TAR), "tar"
    elif kind == "json":
        fits, wanted = text[:1] in (b"{", b"["), "JSON"
    else:
        delimiter, name = DELIMITER[kind]
        line = head.partition(b"\n")[0]
        binary = re.search(rb"[\x00-\x08\x0e-\x1f]", head) is not None
        fits, wanted = delimiter in line and not binary, f"text with a {name} in its first line"
    if not fits:
        raise ContentError(f"is not {wanted}: it begins with {_shown(head)}")


def _shown(head: bytes) -> str:
    return ascii(head[:24].decode("latin-1"))
