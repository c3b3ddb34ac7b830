"""Open HDF5 files (GCTX, AnnData) to read, with errors a user can act on."""

import errno
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from perturbkg.errors import InputError
from perturbkg.io.files import number_of, reached, unreachable
from perturbkg.io.packed import packing_of, unpack_first

SIGNATURE = b"\x89HDF\r\n\x1a\n"
LOCKED = {errno.EAGAIN, errno.EDEADLK, errno.ENOLCK}
SUFFIXES = {".h5", ".hdf5", ".h5ad", ".gctx"}


def is_hdf5(path: str | Path) -> bool:
    """Return whether a file is HDF5 by its first bytes, or was meant to be by its name.

    `h5py.is_hdf5` opens the file, and so returns False for one that another program has locked.
    """
    path = Path(path)
    if SUFFIXES & set(path.suffixes):
        return True
    with reached(path), path.open("rb") as file:
        # HDF5 may begin with a block of the user's own.
        for start in (0, 512, 1024, 2048):
            file.seek(start)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
    return False


@contextmanager
def opened(path: str | Path, **options: Any) -> Iterator[h5py.File]:
    """Open a file to read; one that is locked, out of reach or damaged is an InputError that says which."""
    path = Path(path)
    try:
        with h5py.File(path, "r", **options) as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise _not_read(path, error) from error


def _not_read(path: Path, error: Exception) -> InputError:
    """Return what an error of HDF5 means for a user."""
    reason = " ".join(str(error).split())
    number = number_of(error)
    if "unable to lock file" in reason or number in LOCKED:
        return InputError(
            f"{path}: locked by another program, or its file system has no locks; close it there, or set the "
            "environment variable HDF5_USE_FILE_LOCKING=FALSE"
        )
    if "already open for" in reason:  # the mark that a writing program leaves in the file
        return InputError(
            f"{path}: marked as open for writing; close it in the other program, or, if that crashed, run: "
            f"h5clear --status {path}"
        )
    if number is not None:
        return unreachable(path, number)
    if packing := packing_of(path):
        return unpack_first(path, packing)
    return InputError(f"{path}: truncated, damaged or no HDF5 file ({reason}); fetch or make it again")


def require_stored(data: h5py.Dataset, path: str | Path) -> h5py.Dataset:
    """Return a dataset if this file holds all of its values and they can be decompressed.

    HDF5 reads the bytes of any other file as values where the dataset says so, and zeros where values were
    never written or the source of a virtual dataset is missing.
    """
    name = f"{path}: {data.name}"
    # HDF5 keeps the name under which `opened` opened the file, which is that of a Path: "a//x" is "a/x".
    if data.external or data.is_virtual or data.file.filename != os.fspath(Path(path)):
        raise InputError(f"{name}: its values are in another file; copy them into this one")
    layout = data.id.get_create_plist()
    for code, *_, label in map(layout.get_filter, range(layout.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            raise InputError(
                f"{name}: compressed by filter {code} ({label.decode(errors='replace')}), which is not "
                f"installed; rewrite it: h5repack -f GZIP=4 {path} NEW"
            )
    try:
        _ = data.dtype
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: of a type that cannot be read ({error}); make the file again") from error
    if not data.size:
        return data
    blocks, written = 1, int(data.id.get_space_status() != h5py.h5d.SPACE_STATUS_NOT_ALLOCATED)
    if data.chunks:
        blocks = math.prod(-(-size // chunk) for size, chunk in zip(data.shape, data.chunks, strict=True))
        written = data.id.get_num_chunks()
    if written < blocks:
        raise InputError(
            f"{name}: only {written} of {blocks} blocks of values were written; make the file again"
        )
    return data
