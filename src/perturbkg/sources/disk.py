"""Check that there is enough free disk before it is used; report a full disk in one line."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perturbkg.errors import InputError
from perturbkg.sources.catalogue import human_size

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REMEDY = "free some, or set downloads.folder to another disk"


def require(folder: Path, needed: float, what: str, *, remedy: str = REMEDY) -> None:
    """Raise InputError unless `needed` bytes fit into the folder with a little left over."""
    usage = shutil.disk_usage(folder)
    # A full disk harms every other program on the machine.
    spare = min(usage.total // 100, 2**30)
    if needed > usage.free - spare:
        raise InputError(
            f"{what}: needs {human_size(needed)} of disk in {folder}, "
            f"{human_size(max(usage.free - spare, 0))} are free; {remedy}"
        )


@contextmanager
def reported_when_full(folder: Path, what: str) -> Iterator[None]:
    """Turn a failure to write into the folder into an InputError; keep what was written so far."""
    try:
        yield
    except OSError as error:
        place = error.filename or folder
        if error.errno in FULL:
            raise InputError(
                f"{what}: the disk or quota is full at {place} ({error.strerror}); {REMEDY}"
            ) from error
        raise InputError(
            f"{what}: {place} cannot be used ({error.strerror or error}); check its permissions"
        ) from error
