"""Read rows of a GCTX matrix (HDF5) in blocks, so that memory does not grow with the file.

GCTX 1.0 (Enache et al. 2019, doi:10.1093/bioinformatics/bty784) keeps the matrix as
`/0/DATA/0/matrix` (signatures, genes), which is the transpose of what cmapPy returns; the ids of the
signatures are `/0/META/COL/id`, those of the genes `/0/META/ROW/id`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from perturbkg.errors import InputError
from perturbkg.signatures import Genes

BLOCK_BYTES = 64 * 2**20  # of the matrix as it lies in the file, held at a time


def read_profiles(path: Path, signatures: Sequence[str], genes: Genes) -> np.ndarray:
    """Read (signatures, genes) float32 in the order asked for; every value is finite.

    Raises InputError for a damaged file, ids that repeat, an absent signature or gene, or NaN or infinity.
    """
    with _opened(path) as file:
        matrix = file["0/DATA/0/matrix"]
        rows = _ids(file, "0/META/COL/id", path)
        columns = _ids(file, "0/META/ROW/id", path)
        _check_layout(matrix.shape, rows, columns, signatures, path)
        row = _positions(rows, signatures, "signatures of the signature table", path)
        column = _positions(
            columns, genes.entrez, "landmark genes: the gene set is another than the 978", path
        )
        profiles = np.empty((len(row), len(column)), np.float32)
        order = np.argsort(row, kind="stable")
        for part in _blocks(row[order], matrix):
            wanted = order[part]
            first, last = row[wanted[0]], row[wanted[-1]] + 1
            block = matrix[first:last][:, column][row[wanted] - first]
            _check_finite(block, [signatures[i] for i in wanted], genes, path)
            profiles[wanted] = block
    return profiles


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open a GCTX file; whatever HDF5 cannot read in it is an InputError."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: truncated, damaged or no HDF5 file ({reason}); fetch it again") from error
    except KeyError as error:
        raise InputError(f"{path}: not a GCTX file: {error.args[0]}; give a Level 5 .gctx file") from error


def _ids(file: h5py.File, key: str, path: Path) -> np.ndarray:
    """Read ids as text, whether stored as bytes of fixed or variable length or as numbers."""
    data = file[key]
    ids = data.asstr()[:] if data.dtype.kind in "SO" else data[:]
    ids = np.char.strip(ids.astype(str))
    values, first = np.unique(ids, return_index=True)
    if len(values) < len(ids):
        extra = np.setdiff1d(np.arange(len(ids)), first)[0]
        raise InputError(
            f"{path}: /{key}: {str(ids[extra])!r} stands more than once ({len(ids) - len(values)} repeats); "
            "remove the repeats"
        )
    return ids


def _check_layout(
    shape: tuple[int, ...], rows: np.ndarray, columns: np.ndarray, signatures: Sequence[str], path: Path
) -> None:
    """Raise InputError for a matrix that does not lie as its ids say, or ids given to the wrong side."""
    if shape != (len(rows), len(columns)):
        raise InputError(
            f"{path}: the matrix is {' x '.join(map(str, shape))}, the ids are of {len(rows)} signatures "
            f"(/0/META/COL) and {len(columns)} genes (/0/META/ROW); GCTX stores signatures x genes"
        )
    if not np.isin(signatures, rows).any() and np.isin(signatures, columns).any():
        raise InputError(
            f"{path}: transposed: /0/META/ROW holds signatures; GCTX keeps genes there and signatures in COL"
        )


def _positions(ids: np.ndarray, wanted: Sequence[str], what: str, path: Path) -> np.ndarray:
    """Return the position of each wanted id."""
    position = {str(name): i for i, name in enumerate(ids)}
    absent = [name for name in wanted if name not in position]
    if absent:
        raise InputError(
            f"{path}: lacks {len(absent)} of {len(wanted)} {what}; first {', '.join(absent[:3])}; "
            "give the files of one release"
        )
    return np.array([position[name] for name in wanted], np.int64)


def _blocks(row: np.ndarray, matrix: h5py.Dataset) -> Iterator[slice]:
    """Cut sorted row numbers into slices whose rows lie in consecutive chunks of at most BLOCK_BYTES.

    A chunk is decompressed once, and chunks without a wanted row are not read.
    """
    height = matrix.chunks[0] if matrix.chunks else 1
    limit = max(1, BLOCK_BYTES // (matrix.shape[1] * matrix.dtype.itemsize))
    if height > limit:
        height = 1
    chunk = row // height
    start = 0
    for i in range(1, len(row) + 1):
        if i == len(row) or chunk[i] > chunk[i - 1] + 1 or (chunk[i] - chunk[start] + 1) * height > limit:
            yield slice(start, i)
            start = i


def _check_finite(block: np.ndarray, signatures: Sequence[str], genes: Genes, path: Path) -> None:
    """Raise InputError for the first value that is NaN or infinite."""
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):
        i, j = bad[0]
        raise InputError(
            f"{path}: signature {signatures[i]!r}, gene {genes.entrez[j]} ({genes.symbol[j]}): value "
            f"{block[i, j]} ({len(bad)} such values in this block); remove the signature from siginfo"
        )
