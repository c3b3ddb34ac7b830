"""A matrix on disk: rows are written in any order, by number, and read back from the first to the last.

It is a raw float32 file without a name in the folder of the output, so that it disappears even if the process
is killed. Reads and writes are explicit: a memory map's pages would count as this process's memory.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Self

import numpy as np

from perturbkg.errors import InputError


class Scratch:
    """Hold (rows, columns) float32 in a temporary file in `folder`; raise InputError if it does not fit."""

    def __init__(self, rows: int, columns: int, folder: str | Path) -> None:
        self.shape = rows, columns
        self.folder = Path(folder)
        self._written = np.zeros(rows, bool)
        self._width = 4 * columns  # bytes of a row

    def __enter__(self) -> Self:
        require_room(self.folder, self.shape[0] * self._width)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=self.folder, buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, rows: np.ndarray, block: np.ndarray) -> None:
        """Write block (n, columns) to the rows (n,), in any order and without repeats."""
        if block.shape != (len(rows), self.shape[1]):
            raise ValueError(f"a block of {block.shape} for {len(rows)} rows of {self.shape[1]}")
        order = np.argsort(rows, kind="stable")
        rows, block = rows[order], np.ascontiguousarray(block[order], np.float32)
        # Neighbouring rows are written at once.
        edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)] if len(rows) else []
        with disk_full_explained(self.folder):
            for start, stop in pairwise(edges):
                self._write(block[start:stop], int(rows[start]))
        self._written[rows] = True

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop (stop - start, columns) float32; all of them written before."""
        if not self._written[start:stop].all():
            absent = start + int(np.argmin(self._written[start:stop]))
            raise ValueError(f"row {absent} was never written")
        block = np.empty((stop - start, self.shape[1]), np.float32)
        view, done = block.reshape(-1).view(np.uint8).data, 0
        while done < len(view):
            got = os.preadv(self._file.fileno(), [view[done:]], start * self._width + done)
            if not got:
                raise OSError(errno.EIO, f"the temporary file ends before row {stop}", str(self.folder))
            done += got
        return block

    def blocks(self, rows_at_once: int = 4096) -> Iterator[np.ndarray]:
        """Yield every row in order, `rows_at_once` (at most) at a time."""
        for start in range(0, self.shape[0], rows_at_once):
            yield self.read(start, min(start + rows_at_once, self.shape[0]))

    def _write(self, block: np.ndarray, row: int) -> None:
        """Write consecutive rows."""
        view, done = block.reshape(-1).view(np.uint8).data, 0
        while done < len(view):
            done += os.pwrite(self._file.fileno(), view[done:], row * self._width + done)


def require_room(folder: Path, size: int) -> None:
    """Raise InputError unless `size` bytes fit into a folder, which is created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{folder}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB free; free some, or put the "
            "results on another disk"
        )


@contextmanager
def disk_full_explained(path: Path) -> Iterator[None]:
    """Turn the error of a full disk or quota into a one-line InputError."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{path}: the disk is full; free some room and start again") from error
