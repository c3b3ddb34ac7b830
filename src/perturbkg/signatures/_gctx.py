"""Read rows of a GCTX matrix (HDF5) in blocks, so that memory does not grow with the file.

GCTX 1.0 (Enache et al. 2019, doi:10.1093/bioinformatics/bty784) keeps the matrix as
`/0/DATA/0/matrix` (signatures, genes), which is the transpose of what cmapPy returns; the ids of the
signatures are `/0/META/COL/id`, those of the genes `/0/META/ROW/id`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.signatures import Genes

MATRIX, SIGNATURES, GENES = "0/DATA/0/matrix", "0/META/COL/id", "0/META/ROW/id"
BLOCK_ROWS = 8192  # of the file that a block comes from
READ_BYTES = 16 * 2**20  # of the matrix as it lies in the file, read at a time
CACHE_BYTES = 128 * 2**20  # of decompressed chunks that HDF5 keeps
STRETCH_BYTES = 2**16  # what is read at least where the matrix is not chunked
IDS_AT_ONCE = 2**16


def profiles(
    path: Path, signatures: Sequence[str] | pl.Series, genes: Genes
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (positions in `signatures` (n,), values (n, genes) float32), each once, in the file's order.

    Only chunks with a wanted signature and a wanted gene are read, and those once, unless they are higher
    than BLOCK_ROWS and a row of them is larger than CACHE_BYTES.
    Raises InputError for a damaged file, ids that repeat, an absent signature or gene, or NaN or infinity.
    """
    wanted = pl.Series(signatures, dtype=pl.String)
    with _opened(path) as file:
        matrix = _dataset(file, MATRIX, path)
        row, column = _located(file, matrix, wanted, genes, path)
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
                    with np.errstate(over="ignore"):  # a double beyond float32: infinite, and told below
                        block[piece, held] = read[np.ix_(rows - rows[0], within)]
            _check_finite(block, wanted.gather(order[part]), genes, path)
            yield order[part], block


def samples_of(path: Path) -> pl.Series:
    """Return the ids of what a GCTX file measured: signatures in Level 5, wells in Level 3.

    The releases' tables name some that their matrices lack.
    """
    with _opened(path) as file:
        return _ids(file, SIGNATURES, path)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open a GCTX file; whatever HDF5 cannot read in it is an InputError."""
    try:
        with h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES, rdcc_nslots=10_007) as file:
            yield file
    except (OSError, RuntimeError) as error:
        with path.open("rb") as start:
            if start.read(2) == b"\x1f\x8b":
                raise InputError(f"{path}: gzipped; decompress it: gunzip --keep {path}") from error
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: truncated, damaged or no HDF5 file ({reason}); fetch it again") from error


def _dataset(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    """Return a dataset of the file, which need not be the GCTX that it should be."""
    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{path}: not a GCTX file: there is no data set /{key}; give a .gctx file")
    return found


def _located(
    file: h5py.File, matrix: h5py.Dataset, signatures: pl.Series, genes: Genes, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the signatures and the columns of the genes in the matrix."""
    rows, columns = _ids(file, SIGNATURES, path), _ids(file, GENES, path)
    if matrix.shape != (len(rows), len(columns)):
        raise InputError(
            f"{path}: the matrix is {' x '.join(map(str, matrix.shape))}, the ids are of {len(rows)} "
            f"signatures (/0/META/COL) and {len(columns)} genes (/0/META/ROW); GCTX stores signatures x genes"
        )
    if not signatures.is_in(rows.implode()).any() and signatures.is_in(columns.implode()).any():
        raise InputError(
            f"{path}: transposed: /0/META/ROW holds signatures; GCTX keeps genes there and signatures in COL"
        )
    return (
        _positions(rows, signatures, "signatures of the signature table", path),
        _positions(
            columns,
            pl.Series(genes.entrez, dtype=pl.String),
            "landmark genes: the gene set is another than the 978",
            path,
        ),
    )


def _ids(file: h5py.File, key: str, path: Path) -> pl.Series:
    """Read ids as text, whether stored as bytes of fixed or variable length or as numbers.

    cmapPy reads them too, through a pandas index that takes twice the memory.
    """
    data = _dataset(file, key, path)
    text = h5py.check_string_dtype(data.dtype) is not None
    if data.ndim != 1 or not (text or data.dtype.kind in "iu"):
        raise InputError(f"{path}: /{key}: {data.dtype} {data.shape}, not a list of ids; give a .gctx file")
    values = data.asstr("utf-8", "replace") if text else data
    parts = [
        pl.Series(values[start : start + IDS_AT_ONCE]).cast(pl.String)
        for start in range(0, len(data), IDS_AT_ONCE)
    ]
    ids = pl.concat([pl.Series([], dtype=pl.String), *parts]).str.strip_chars()
    repeats = ids.filter(~ids.is_first_distinct())
    if len(repeats):
        raise InputError(
            f"{path}: /{key}: {repeats[0]!r} stands more than once ({len(repeats)} repeats); "
            "remove the repeats"
        )
    return ids


def _positions(ids: pl.Series, wanted: pl.Series, what: str, path: Path) -> np.ndarray:
    """Return the position of each wanted id."""
    place = pl.DataFrame({"id": ids}).with_row_index("place")
    found = pl.DataFrame({"id": wanted}).join(place, on="id", how="left", maintain_order="left")["place"]
    absent = wanted.filter(found.is_null())
    if len(absent):
        raise InputError(
            f"{path}: lacks {len(absent)} of {len(wanted)} {what}; first {', '.join(absent[:3])}; "
            "give the files of one release"
        )
    return found.to_numpy().astype(np.int64)


def _grain(matrix: h5py.Dataset, path: Path) -> tuple[int, int]:
    """Return the rows and columns that HDF5 reads at once; InputError where no block can be read."""
    if matrix.dtype.kind not in "fiu":
        raise InputError(f"{path}: /{MATRIX} holds {matrix.dtype}, not numbers; give a .gctx file")
    row_bytes = matrix.shape[1] * matrix.dtype.itemsize
    if matrix.chunks is None:
        # Whole rows: from a disk they come twice as fast as their first 978 columns alone, as it reads ahead.
        return max(1, STRETCH_BYTES // row_bytes), matrix.shape[1]
    layout = matrix.id.get_create_plist()
    filters = [layout.get_filter(i) for i in range(layout.get_nfilters())]
    for code, *_, name in filters:
        if not h5py.h5z.filter_avail(code):
            raise InputError(
                f"{path}: compressed by filter {code} ({name.decode(errors='replace')}), which is not "
                f"installed; rewrite it: h5repack -f GZIP=4 {path} NEW"
            )
    chunk_bytes = int(np.prod(matrix.chunks)) * matrix.dtype.itemsize
    if filters and chunk_bytes > CACHE_BYTES:
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

    With `skip` also where a chunk without a wanted row lies between two of them.
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
