"""Records of downloaded files: the receipt of each, and the lock file that users commit.

A receipt says where a file came from, its digests and how it was verified. The lock keeps the SHA-256 that
each version of each source had when it was first seen, so that a later difference is an error everywhere.
"""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from perturbkg.errors import InputError
from perturbkg.io.files import read_json, write_json
from perturbkg.sources.catalogue import Source
from perturbkg.sources.content import Content

BY_HAND = "put in place by hand"
FIRST_SEEN = "first seen"
LOCKED = "lock"
PARTS = ("download", "unpacked")


@dataclass(frozen=True)
class Receipt:
    """A verified local file; without time stamps, so that equal files give equal receipts.

    `origin` is the address it came from, or that it was put in place by hand. `download` is the content as
    downloaded (None if only the unpacked file was put in place), `unpacked` that of the file taken from it
    (None if it is not packed).
    """

    name: str
    version: str
    file: str
    origin: str
    verified: str
    download: Content | None
    unpacked: Content | None

    @property
    def content(self) -> Content:
        """The content of the file that is ready to be read."""
        content = self.unpacked or self.download
        if content is None:
            raise ValueError(f"the receipt of {self.name} has no content")
        return content

    @property
    def parts(self) -> dict[str, Content]:
        """Part (download, unpacked) -> content, of those that were here to be looked at."""
        both = {"download": self.download, "unpacked": self.unpacked}
        return {part: content for part, content in both.items() if content is not None}

    def write(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_json(asdict(self), path)

    @classmethod
    def read(cls, path: str | Path) -> Self | None:
        """Return the receipt at this path, None if it is missing or damaged."""
        try:
            values = read_json(path)
            parts = {key: Content(**values[key]) if values[key] else None for key in PARTS}
            receipt = cls(**{**values, **parts})
            return receipt if receipt.content.sha256 else None
        except (OSError, ValueError, TypeError, KeyError):
            return None


class Lock:
    """The lock file: source -> version -> SHA-256 of the download and of the unpacked file."""

    def __init__(self, path: str | Path) -> None:
        """Keep the path; the file is made when the first digest is recorded."""
        self.path = Path(path)

    def digests(self, source: Source | Receipt) -> dict[str, str]:
        """Return part -> SHA-256 of this version of the source; empty if it is new."""
        return self._read().get(source.name, {}).get(source.version, {})

    def other_version(self, source: Source, digest: str) -> str | None:
        """Return another version of the source that has this SHA-256."""
        for version, entry in self._read().get(source.name, {}).items():
            if version != source.version and digest in entry.values():
                return str(version)
        return None

    def record(self, receipt: Receipt) -> None:
        """Add the digests of a receipt that are not recorded yet."""
        guard = self.path.with_name(f".{self.path.name}.guard")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(guard):
                entries = self._read()
                entry = entries.setdefault(receipt.name, {}).setdefault(receipt.version, {})
                for part, content in receipt.parts.items():
                    entry.setdefault(part, content.sha256)
                if entries != self._read():
                    write_json(entries, self.path)
        except OSError as error:
            raise InputError(
                f"{self.path}: the lock file cannot be written ({error.strerror or error}); name another lock"
            ) from error

    def _read(self) -> dict[str, dict[str, dict[str, str]]]:
        try:
            entries = read_json(self.path)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path}: not a lock file ({error}); restore it from version control"
            ) from error
        if not _is_lock(entries):
            raise InputError(
                f"{self.path}: not a lock file: it must map source, version and part to a SHA-256; restore it"
            )
        found: dict[str, dict[str, dict[str, str]]] = entries
        return found


def _is_lock(entries: Any) -> bool:
    return isinstance(entries, dict) and all(
        isinstance(versions, dict)
        and all(
            isinstance(entry, dict)
            and all(
                part in PARTS and isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)
                for part, digest in entry.items()
            )
            for entry in versions.values()
        )
        for versions in entries.values()
    )
