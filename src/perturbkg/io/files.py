"""Write files atomically, digest them, read and write JSON, and say why a file cannot be read."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perturbkg.errors import InputError


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

    Other errors pass through: damaged content has no number, and a full disk is not that of `path`.
    """
    try:
        yield
    except OSError as error:
        number = number_of(error)
        if number in (None, errno.ENOSPC, errno.EDQUOT):
            raise
        raise unreachable(path, number) from error


def number_of(error: Exception) -> int | None:
    """Return the operating system's number of an error; HDF5 and Polars may state it in their text alone."""
    stated = re.search(r"(?:errno = |os error )(\d+)", str(error))
    return getattr(error, "errno", None) or (int(stated[1]) if stated else None)


def unreachable(path: str | Path, number: int) -> InputError:
    """Return the error about a file that the operating system does not let be read, by its number."""
    return InputError(
        f"{path}: cannot be read ({os.strerror(number)}); check its name and permissions, and that its disk "
        "or network folder is mounted"
    )
