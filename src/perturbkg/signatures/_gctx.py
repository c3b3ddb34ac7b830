"""Read rows of a GCTX matrix (HDF5) in blocks, so that memory does not grow with the file."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.gctx import GENES, MATRIX, SIGNATURES, ids, opened_matrix
from perturbkg.io.hdf5 import opened
from perturbkg.signatures import Genes

BLOCK_ROWS = 8192  # of the file that a block comes from
READ_BYTES = 16 * 2**20  # of the matrix, as stored, read at a time
CACHE_BYTES = 128 * 2**20  # of decompressed chunks that HDF5 keeps
STRETCH_BYTES = 2**16  # what is read at least where the matrix is not chunked


def profiles(
    path: Path, signatures: Sequence[str] | pl.Series, genes: Genes
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (positions in `signatures` (n,), values (n, genes) float32), each once, in the file's order.

    Only chunks with a wanted signature and a wanted gene are read, and those once, unless they are higher
    than BLOCK_ROWS and a row of them is larger than CACHE_BYTES.
    Raises InputError for a damaged file, ids that repeat, an absent signature or gene, or NaN or infinity.
    """
    wanted = pl.Series(signatures, dtype=pl.String)
    with opened(path, rdcc_nbytes=CACHE_BYTES, rdcc_nslots=10_007) as file:
        matrix, samples, measured = opened_matrix(file, path)
        row, column = _located(samples, measured, wanted, genes, path)
        height, width = _grain(matrix, path)
        runs = _column_runs(column, width, matrix.shape[1])
        order = np.argsort(row, kind="stable")
        row = row[order]
        for part in _cut(row, height, BLOCK_ROWS):
            block = np.empty((part.stop - part.start, len(column)), np.float32)
            for columns, held, within in runs:
                most = READ_BYTES // ((columns.stop - columns.start) * matrix.dtype.itemsize)
                for piece in _cut(row[part], height, most, skip=True):
                    rows = row[part][piece]
                    read = matrix[rows[0] : rows[-1] + 1, columns]
                    with np.errstate(
                        over="ignore"
                    ):  # a double beyond float32 becomes infinite: refused below
                        block[piece, held] = read[np.ix_(rows - rows[0], within)]
            _check_finite(block, wanted.gather(order[part]), genes, path)
            yield order[part], block


def samples_of(path: Path) -> pl.Series:
    """Return the ids of what a GCTX file measured: signatures in Level 5, wells in Level 3.

    The releases' tables name some that their matrices lack, and people cut matrices to what they need.
    """
    with opened(path) as file:
        return ids(file, SIGNATURES, path)


def in_matrix(path: Path, signatures: pl.Series) -> pl.Series:
    """Return which signatures a GCTX file holds; InputError where it holds none of them."""
    with opened(path) as file:
        rows = ids(file, SIGNATURES, path)
        found = signatures.is_in(rows.implode())
        if len(signatures) and not found.any():
            _check_not_transposed(signatures, ids(file, GENES, path), path)
            raise InputError(
                f"{path}: holds none of the {len(signatures)} selected signatures of siginfo "
                f"({_first(signatures)}); it has {len(rows)} others ({_first(rows)}); "
                "give the matrix and siginfo of one release"
            )
    return found


def _located(
    rows: pl.Series, columns: pl.Series, signatures: pl.Series, genes: Genes, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the signatures among the rows and of the genes among the columns of the matrix."""
    if not signatures.is_in(rows.implode()).any():
        _check_not_transposed(signatures, columns, path)
    return (
        _positions(
            rows,
            signatures,
            "signatures of the signature table",
            "the matrix is a subset: leave them out of siginfo, or give the whole matrix",
            path,
        ),
        _positions(
            columns,
            pl.Series(genes.entrez, dtype=pl.String),
            "landmark genes: the gene set is another than the 978",
            "give the files of one release",
            path,
        ),
    )


def _check_not_transposed(signatures: pl.Series, genes: pl.Series, path: Path) -> None:
    """Raise InputError where the ids of signatures are found among those of genes."""
    if signatures.is_in(genes.implode()).any():
        raise InputError(
            f"{path}: transposed: /0/META/ROW holds signatures; GCTX keeps genes there and signatures in COL"
        )


def _first(names: pl.Series) -> str:
    """Show the first few ids of many."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _positions(ids: pl.Series, wanted: pl.Series, what: str, remedy: str, path: Path) -> np.ndarray:
    """Return the position of each wanted id; InputError where one is absent."""
    place = pl.DataFrame({"id": ids}).with_row_index("place")
    found = pl.DataFrame({"id": wanted}).join(place, on="id", how="left", maintain_order="left")["place"]
    absent = wanted.filter(found.is_null())
    if len(absent):
        raise InputError(
            f"{path}: lacks {len(absent)} of {len(wanted)} {what}; first {', '.join(absent[:3])}; {remedy}"
        )
    return found.to_numpy().astype(np.int64)


def _grain(matrix: h5py.Dataset, path: Path) -> tuple[int, int]:
    """Return the rows and columns that HDF5 reads at once; InputError where no block can be read."""
    row_bytes = matrix.shape[1] * matrix.dtype.itemsize
    if matrix.chunks is None:
        # Whole rows: from a disk they come twice as fast as their first 978 columns alone, as it reads ahead.
        return max(1, STRETCH_BYTES // row_bytes), matrix.shape[1]
    chunk_bytes = int(np.prod(matrix.chunks)) * matrix.dtype.itemsize
    if matrix.id.get_create_plist().get_nfilters() and chunk_bytes > CACHE_BYTES:
        raise InputError(
            f"{path}: compressed in chunks of {chunk_bytes / 2**20:.0f} MiB, which can only be read whole; "
            f"rewrite it: h5repack -l {MATRIX}:CHUNK=256x{min(1024, matrix.shape[1])} {path} NEW"
        )
    return matrix.chunks


def _column_runs(column: np.ndarray, width: int, end: int) -> list[tuple[slice, np.ndarray, np.ndarray]]:
    """Return, for each chunk column with a wanted gene, (its columns, which genes it holds, where in it)."""
    chunk = column // width
    runs = []
    for number in map(int, np.unique(chunk)):
        held = np.flatnonzero(chunk == number)
        start = number * width
        runs.append((slice(start, min(start + width, end)), held, column[held] - start))
    return runs


def _cut(row: np.ndarray, height: int, most: int, *, skip: bool = False) -> list[slice]:
    """Cut sorted row numbers where they span more than `most` rows, between chunks unless these are higher.

    With `skip` also where there is a chunk without a wanted row between two of them.
    """
    stride = most // height * height if height <= most else max(1, most)
    ends = np.diff(row // stride) > 0
    if skip:
        ends |= np.diff(row // height) > 1
    edges = [0, *(np.flatnonzero(ends) + 1), len(row)] if len(row) else []
    return [slice(int(start), int(stop)) for start, stop in pairwise(edges)]


def _check_finite(block: np.ndarray, signatures: pl.Series, genes: Genes, path: Path) -> None:
    """Raise InputError for the first value that is NaN or infinite."""
    finite = np.isfinite(block)
    if not finite.all():
        bad = np.argwhere(~finite)
        i, j = bad[0]
        raise InputError(
            f"{path}: signature {signatures[int(i)]!r}, gene {genes.entrez[j]} ({genes.symbol[j]}): value "
            f"{block[i, j]} ({len(bad)} such values in this block); remove the signature from siginfo"
        )
