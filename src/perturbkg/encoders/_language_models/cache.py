"""Vectors that were made once: keeps them in one SQLite file a model, under all that they depend on."""

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from filelock import FileLock

from perturbkg.errors import InputError

#: Seconds after which vectors are written: what a killed job loses.
EVERY = 2.0
_PATIENCE = 300  # seconds that one job waits for another's writing, which takes less than one
_ASKED = 500  # keys of one query
_LOG = logging.getLogger(__name__)
_TABLE = """CREATE TABLE IF NOT EXISTS vectors (
    key BLOB PRIMARY KEY, tokens INTEGER NOT NULL, vector BLOB NOT NULL, checksum BLOB NOT NULL
) WITHOUT ROWID"""
_Answer = TypeVar("_Answer")


class Entry(NamedTuple):
    """What is kept of a text."""

    vector: np.ndarray  # (width,) float32
    tokens: int  # of the text, before it was cut


class VectorCache:
    """The vectors of one model, for any number of jobs at once. A context manager, which writes at its end.

    An entry whose checksum does not match is dropped and counted in `corrupt`; its vector is computed again.
    A file that SQLite cannot read is renamed, with a warning, and a new one is started.

    The journal is SQLite's rollback journal, not its write-ahead log: two jobs may run on two machines of a
    cluster, and the log needs memory that they share.
    """

    def __init__(self, path: Path, made_by: Mapping[str, Any]) -> None:
        """Open or make the file; `made_by` is everything but the text that a vector depends on."""
        self.path, self.corrupt = path, 0
        self._made_by = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).digest()
        self._waiting: list[tuple[bytes, int, bytes, bytes]] = []
        self._written = time.monotonic()
        self._file: sqlite3.Connection | None = None
        self._attempt(lambda: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.write()
        if self._file is not None:
            self._file.close()
            self._file = None

    def get(self, texts: Sequence[str]) -> dict[int, Entry]:
        """Return the entries that are there, by the places of their texts."""
        places = {self._key(text): place for place, text in enumerate(texts)}
        found: dict[int, Entry] = {}
        bad: list[tuple[bytes]] = []
        keys = list(places)
        for start in range(0, len(keys), _ASKED):
            for key, tokens, vector, checksum in self._rows(keys[start : start + _ASKED]):
                whole = isinstance(tokens, int) and isinstance(vector, bytes)
                if whole and checksum == _checksum(key, tokens, vector):
                    found[places[key]] = Entry(np.frombuffer(vector, dtype="<f4").astype(np.float32), tokens)
                else:
                    bad.append((key,))
        if bad:
            self.corrupt += len(bad)
            _LOG.warning("%s: %d corrupt entries, computed again", self.path, len(bad))
            self._change("DELETE FROM vectors WHERE key = ?", bad)
        return found

    def put(self, texts: Sequence[str], vectors: np.ndarray, tokens: Sequence[int]) -> None:
        """Keep vectors, (texts, width); they are on disk within `EVERY` seconds, or at the end."""
        for text, vector, count in zip(texts, vectors, tokens, strict=True):
            key, stored = self._key(text), vector.astype("<f4").tobytes()
            self._waiting.append((key, int(count), stored, _checksum(key, int(count), stored)))
        if time.monotonic() - self._written >= EVERY:
            self.write()

    def write(self) -> None:
        """Write the pending vectors in one transaction; keep those that another job has written meanwhile."""
        if self._waiting:
            self._change("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?)", self._waiting)
        self._waiting, self._written = [], time.monotonic()

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(self._made_by + text.encode("utf-8", "surrogatepass")).digest()

    def _rows(self, keys: Sequence[bytes]) -> list[tuple[bytes, int, bytes, bytes]]:
        """Return the rows of some keys."""
        query = (
            f"SELECT key, tokens, vector, checksum FROM vectors WHERE key IN ({','.join('?' * len(keys))})"
        )
        return self._attempt(lambda: self._opened().execute(query, keys).fetchall())

    def _change(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement for each row, in one transaction."""

        def change() -> None:
            file = self._opened()
            with file:  # commits, or rolls back
                file.execute("BEGIN IMMEDIATE")
                file.executemany(statement, rows)

        self._attempt(change)

    def _opened(self) -> sqlite3.Connection:
        """Return the open file, with its table."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            self._file.text_factory = bytes  # a damaged entry may be of another type than its column
            self._file.execute(_TABLE)
        return self._file

    def _attempt(self, action: Callable[[], _Answer]) -> _Answer:
        """Do something with the file, and again with a new one if it turns out to be damaged."""
        try:
            self._opened()
            return action()
        except (sqlite3.Error, OSError) as error:
            if not _is_damage(error):
                raise InputError(
                    f"{self.path}: {error}; free the disk or the folder, or name another one for the vectors"
                ) from error
        if self._file is not None:
            self._file.close()
            self._file = None
        _move_away(self.path)
        return action()


def _move_away(path: Path) -> None:
    """Rename a damaged file, and its journal, which must not be replayed into the next one."""
    with FileLock(f"{path}.lock"):
        if not _is_damaged(path):
            return  # another job was first
        number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.damaged-{n}").exists())
        renamed = path.with_name(f"{path.name}.damaged-{number}")
        for end in ("-journal", ""):
            if (file := path.with_name(path.name + end)).exists():
                file.rename(f"{renamed}{end}")
    _LOG.warning("%s: damaged; renamed to %s, and its vectors are computed again", path, renamed.name)


def _is_damaged(path: Path) -> bool:
    """Return whether SQLite finds the file damaged; it reads all of it."""
    file = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        file.execute(_TABLE)
        return file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        return True
    finally:
        file.close()


def _is_damage(error: Exception) -> bool:
    """Return whether an error says that the file is damaged, rather than locked, full or out of reach."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _checksum(key: bytes, tokens: int, vector: bytes) -> bytes:
    """Return the checksum of an entry."""
    return hashlib.blake2b(key + tokens.to_bytes(8, "little", signed=True) + vector, digest_size=8).digest()
