"""Read GCTX files (HDF5): ids, metadata and rows of the matrix.

GCTX 1.0 (Enache et al. 2019, doi:10.1093/bioinformatics/bty784) keeps the matrix as
`/0/DATA/0/matrix` (signatures, genes), which is the transpose of what cmapPy returns; the ids of the
signatures are `/0/META/COL/id`, those of the genes `/0/META/ROW/id`.
"""

from pathlib import Path

import h5py
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import MISSING, NOT_AVAILABLE
from perturbkg.io.hdf5 import require_stored

MATRIX, SIGNATURES, GENES = "0/DATA/0/matrix", "0/META/COL/id", "0/META/ROW/id"
IDS_AT_ONCE = 2**16


def opened_matrix(file: h5py.File, path: str | Path) -> tuple[h5py.Dataset, pl.Series, pl.Series]:
    """Return the matrix on disk (signatures, genes), the ids of the signatures and those of the genes."""
    matrix = dataset(file, MATRIX, path)
    signatures, genes = ids(file, SIGNATURES, path), ids(file, GENES, path)
    if matrix.shape != (len(signatures), len(genes)):
        raise InputError(
            f"{path}: the matrix is {' x '.join(map(str, matrix.shape))}, the ids are of {len(signatures)} "
            f"signatures (/0/META/COL) and {len(genes)} genes (/0/META/ROW); GCTX stores signatures x genes"
        )
    if matrix.dtype.kind not in "fiu":
        raise InputError(f"{path}: /{MATRIX} holds {matrix.dtype}, not numbers; give a .gctx file")
    return matrix, signatures, genes


def dataset(file: h5py.File, key: str, path: str | Path) -> h5py.Dataset:
    """Return a dataset of the file, which need not be the GCTX that it should be."""
    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{path}: not a GCTX file: there is no data set /{key}; give a .gctx file")
    return require_stored(found, path)


def ids(file: h5py.File, key: str, path: str | Path) -> pl.Series:
    """Read ids as text, whether stored as bytes of fixed or variable length or as numbers.

    cmapPy reads them too, through a pandas index that takes twice the memory.
    """
    data = dataset(file, key, path)
    if data.ndim != 1 or not (_is_text(data) or data.dtype.kind in "iu"):
        raise InputError(f"{path}: /{key}: {data.dtype} {data.shape}, not a list of ids; give a .gctx file")
    found = _values(data).cast(pl.String).str.strip_chars()
    repeats = found.filter(~found.is_first_distinct())
    if len(repeats):
        raise InputError(
            f"{path}: /{key}: {repeats[0]!r} occurs more than once ({len(repeats)} repeats); "
            "remove the repeats"
        )
    return found


def labels(file: h5py.File, path: str | Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the signatures and the genes of a file: the column `id`, and the metadata that it has of them.

    Metadata may hold numbers or text; in text, MISSING and NOT_AVAILABLE are null.
    """
    _, *axes = opened_matrix(file, path)
    tables = []
    for key, names in zip((SIGNATURES, GENES), axes, strict=True):
        table = [names.alias("id")]
        for name, data in file[key].parent.items():
            if name != "id" and isinstance(data, h5py.Dataset) and data.shape == names.shape:
                column = _values(require_stored(data, path))
                known = (
                    column.replace((*MISSING, *NOT_AVAILABLE), None) if column.dtype == pl.String else column
                )
                table.append(known.alias(name))
        tables.append(pl.DataFrame(table))
    signatures, genes = tables
    return signatures, genes


def _is_text(data: h5py.Dataset) -> bool:
    return h5py.check_string_dtype(data.dtype) is not None


def _values(data: h5py.Dataset) -> pl.Series:
    """Read a dataset (n,); text is stripped, NaN is null."""
    source = data.asstr("utf-8", "replace") if _is_text(data) else data
    kind = pl.String if _is_text(data) else None
    parts = [
        pl.Series(source[start : start + IDS_AT_ONCE], dtype=kind, nan_to_null=True)
        for start in range(0, len(data), IDS_AT_ONCE)
    ]
    found = pl.concat(parts) if parts else pl.Series([], dtype=pl.String)
    return found.str.strip_chars() if found.dtype == pl.String else found
