"""Write files atomically, digest them, read and write JSON, and say why a file cannot be read."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perturbkg.errors import InputError

# First bytes of compressed files: which program packs so, and which one unpacks.
PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip --keep"),
    b"BZh": ("bzip2", "bunzip2 --keep"),
    b"\xfd7zXZ\x00": ("xz", "unxz --keep"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "7z x"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
    b"\x1f\x9d": ("compress", "uncompress"),
    b"Rar!\x1a\x07": ("rar", "unrar x"),
}


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Write atomically through a temporary file: yield its path, and rename it to `path` on success."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: AnnData, matplotlib and others choose the format by it.
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write UTF-8 text."""
    with written_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON with sorted keys, so that equal values are equal bytes; NaN is an error."""
    write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n", path)


def read_json(path: str | Path) -> Any:
    """Read JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def reached(path: str | Path) -> Iterator[None]:
    """Turn what keeps the operating system from reading `path` into a one-line InputError.

    Errors of damaged content pass through.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise InputError(unreachable(path, error.errno)) from error


def unreachable(path: str | Path, number: int) -> str:
    """Return what a user is to do about an error of the operating system, by its number."""
    return (
        f"{path}: cannot be read ({os.strerror(number)}); check its name and permissions, and that its disk "
        "or network folder is mounted"
    )


def packed_by(path: str | Path) -> tuple[str, str] | None:
    """Return what a file is compressed by and the command that unpacks it, by its first bytes; else None."""
    with reached(path), Path(path).open("rb") as file:
        start = file.read(8)
    return next((packing for magic, packing in PACKED.items() if start.startswith(magic)), None)


def unpack_first(path: str | Path, packing: tuple[str, str]) -> str:
    """Return what a user is to do with a compressed file that is not read as it is."""
    return f"{path}: compressed by {packing[0]}: unpack it first: {packing[1]} {path}"
