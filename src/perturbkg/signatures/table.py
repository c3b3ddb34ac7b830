"""Read your own signatures: an AnnData file or a wide table, with a compound and a cell line table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.delimited import MISSING, NOT_AVAILABLE, given, identified, numbers
from perturbkg.io.hdf5 import is_hdf5
from perturbkg.io.matrices import ROWS_AT_ONCE, read_labels, read_rows
from perturbkg.io.tallies import excluded
from perturbkg.signatures import NOTHING, Compounds, Genes, Selected, SignatureSource
from perturbkg.signatures._cmap import UNKNOWN, described, filtered, landmark_genes
from perturbkg.signatures._fields import known, withheld
from perturbkg.signatures._filters import Filters
from perturbkg.signatures._siginfo import understood

LABELS = ("signature", "drug", "cell")
NUMBERS = ("dose_um", "nearest_dose_um", "time_h", "replicates", "tas", "replicate_correlation")
# What `understood` calls them.
CMAP = {
    "signature": "sig_id",
    "drug": "pert_id",
    "cell": "cell_iname",
    "dose_um": "pert_dose",
    "nearest_dose_um": "nearest_dose",
    "time_h": "pert_time",
    "replicates": "nsample",
    "replicate_correlation": "cc_q75",
}


@dataclass(frozen=True)
class Table(SignatureSource):
    """Your own signatures.

    `profiles` is AnnData (.h5ad; obs: signature or the index, drug, cell; var: Entrez ids in the column
    entrez or the index; X: deltas) or a wide table (CSV, tab-separated or Parquet; columns signature,
    drug, cell and one for each Entrez id). More columns, where known: dose_um, nearest_dose_um, time_h,
    replicates, tas, replicate_correlation, is_hiq, qc_pass, pert_type. Both are read in blocks.

    `compounds` has a row for each drug: drug, smiles; where known name, inchikey and, with | between several,
    aliases, targets (gene symbols) and xref (ids in the knowledge graph). `cells` has a row for each cell
    line: cell; where known lineage, disease and a description, or cell_type and subtype to make one of. Both
    are CSV, TSV or Parquet.

    L1000 says which genes are landmarks, not the user: `geneinfo` is its table, which is fetched
    with `source: download`. The profiles must hold all 978; other genes do no harm.
    """

    files: ClassVar[dict[str, str]] = {
        "profiles": "signatures: AnnData, or a wide table with columns signature, drug, cell and Entrez ids",
        "compounds": "compound table: columns drug, smiles[, name, inchikey, aliases, targets, xref]",
        "cells": "cell line table: columns cell[, lineage, disease, description, cell_type, subtype]",
        "geneinfo": "gene table, geneinfo_beta.txt of LINCS 2020",
    }
    optional_files: ClassVar[dict[str, str]] = {}
    sources: ClassVar[dict[str, str]] = {"geneinfo": "lincs2020_geneinfo"}
    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "genes": ("geneinfo",),
        "select": ("profiles", "compounds", "cells"),
        "compounds": ("compounds",),
        "cell_lines": ("cells",),
    }
    labels: ClassVar[dict[str, tuple[str, ...]]] = {"level5": ("profiles",)}
    licence: ClassVar[str] = "that of the tables given"
    citation: ClassVar[str] = (
        "where the tables given come from; landmark genes: Subramanian et al., Cell 171, 1437-1452 (2017), "
        "doi:10.1016/j.cell.2017.10.049"
    )

    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 genes whose feature_space is landmark, by ascending Entrez id."""
        path = given(files, "geneinfo", self.files)
        return landmark_genes(path, "gene_id", "gene_symbol", "feature_space", "landmark")

    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signatures; each filter counts what it removed of what those before it left."""
        path = given(files, "profiles", self.files)
        wanted = Filters.of(filters)
        table = identified(_labels(path), "signature", path).with_columns(known(pl.col(NUMBERS)))
        table = numbers(table, NUMBERS, path)
        for column in ("drug", "cell"):
            if len(nameless := table.filter(pl.col(column).is_null())):
                raise InputError(
                    f"{path}: signature {nameless['signature'][0]!r} has no {column}; give it one"
                )
        for key in ("dose_um", "time_h"):
            if getattr(wanted, key) is not None and table[key].null_count() == len(table):
                raise InputError(
                    f"{path}: {key} is empty in every row, so filters.{key} cannot be met; set it to null"
                )
        # ASSUME: where the table does not say what the perturbations are, they are compounds.
        if table["pert_type"].null_count() == len(table):
            table = table.with_columns(pert_type=pl.lit("trt_cp"))
        table = understood(table.rename(CMAP), path)
        return filtered(
            table,
            path,
            wanted,
            cells=(given(files, "cells", self.files), "cell"),
            compounds=(given(files, "compounds", self.files), "drug"),
            named={"cc_q75": "replicate_correlation"},
            reader=partial(tables.read, ids=("cell", "drug")),
        )

    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the compound table."""
        path = given(files, "compounds", self.files)
        table = tables.read(
            path, ["drug", "smiles"], ["name", "inchikey", "aliases", "targets", "xref"], ids=["drug"]
        )
        table = identified(table, "drug", path).with_columns(
            pl.coalesce("name", "drug").alias("name"),
            pl.col("aliases", "targets", "xref")
            .str.split("|")
            .list.eval(
                pl.element()
                .str.strip_chars()
                .replace(["", *NOT_AVAILABLE], None)
                .drop_nulls()
                .unique()
                .sort()
            )
            .fill_null([]),
        )
        hidden = withheld(pl.col("smiles"))
        columns = ("drug", "name", "smiles", "inchikey", "aliases", "targets", "xref", "row")
        return Compounds(
            table.with_columns(smiles=pl.when(~hidden).then("smiles")).select(columns),
            excluded("prepare_drugs", "structures", NOTHING),
            frozenset(table.filter(hidden)["drug"]),
        )

    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read the cell line table."""
        path = given(files, "cells", self.files)
        known = ["lineage", "disease", "description", "cell_type", "subtype", "ccle_name"]
        table = identified(tables.read(path, ["cell"], known, ids=["cell"], missing=UNKNOWN), "cell", path)
        return described(table).with_columns(
            description=pl.coalesce(table["description"], pl.col("description"))
        )

    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read deltas as they are given."""
        path = given(files, "profiles", self.files)
        blocks = _annotated if is_hdf5(path) else _wide
        found = 0
        for rows, block in blocks(path, selection["signature"], genes):
            bad = np.argwhere(~np.isfinite(block))
            if len(bad):
                i, j = bad[0]
                raise InputError(
                    f"{path}: signature {selection['signature'][int(rows[i])]!r}, gene {genes.entrez[j]} "
                    f"({genes.symbol[j]}): no finite number; fix or remove the signature"
                )
            found += len(rows)
            yield rows, block
        if found < len(selection):
            raise InputError(
                f"{path}: {found} of {len(selection)} selected signatures found; it has changed, run again"
            )


def _labels(path: Path) -> pl.DataFrame:
    """Read what is known of each signature, as text: row (the header is row 1), LABELS, NUMBERS and flags."""
    optional = (*NUMBERS, "is_hiq", "qc_pass", "pert_type")
    if not is_hdf5(path):
        return tables.read(path, LABELS, optional, ids=LABELS)
    obs, _ = read_labels(path, ["drug", "cell"])
    if "signature" not in obs.columns:
        obs = obs.rename({obs.columns[0]: "signature"})
    known = [column for column in optional if column in obs.columns]
    labels = obs.select(pl.col(*LABELS, *known).cast(pl.String)).with_columns(
        pl.col(known).replace(NOT_AVAILABLE, None)
    )
    return obs.select(
        pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("row"),
        *labels.with_columns(pl.all().replace(MISSING, None)),
        *(pl.lit(None, pl.String).alias(column) for column in optional if column not in obs.columns),
    )


def _annotated(path: Path, signatures: pl.Series, genes: Genes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of AnnData: (rows of `signatures`, deltas of `genes`), passing over those without any."""
    labels, (_, var) = _labels(path)["signature"], read_labels(path)
    ids = var["entrez" if "entrez" in var.columns else var.columns[0]]
    if ids.dtype.is_numeric():
        ids = ids.cast(pl.Int64)
    column = _positions(path, ids.cast(pl.String).to_list(), genes)
    place = signatures.to_frame("signature").with_row_index("at")
    wanted = labels.to_frame("signature").with_row_index("row").join(place, on="signature")
    row, at = wanted["row"].to_numpy(), wanted["at"].to_numpy().astype(np.int64)
    for start in range(0, len(labels), ROWS_AT_ONCE):
        inside = (row >= start) & (row < start + ROWS_AT_ONCE)
        if inside.any():
            yield at[inside], read_rows(path, row[inside])[:, column]


def _wide(path: Path, signatures: pl.Series, genes: Genes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of a wide table: (rows of `signatures`, deltas of `genes`), NaN if not a number."""
    _positions(path, tables.columns(path), genes)
    place = signatures.to_frame("signature").with_row_index("at")
    for block in tables.batches(path, ["signature", *genes.entrez], ROWS_AT_ONCE):
        found = block.with_columns(pl.col("signature").cast(pl.String)).join(
            place, on="signature", maintain_order="left"
        )
        if len(found):
            values = found.select(pl.col(genes.entrez).cast(pl.Float32, strict=False).fill_null(np.nan))
            yield found["at"].to_numpy().astype(np.int64), values.to_numpy()


def _positions(path: Path, ids: Sequence[str | None], genes: Genes) -> list[int]:
    """Return the place of each landmark gene among the ids of a file."""
    place = {name: i for i, name in enumerate(ids)}
    absent = [gene for gene in genes.entrez if gene not in place]
    if absent:
        raise InputError(
            f"{path}: lacks {len(absent)} of the {len(genes.entrez)} landmark genes; first "
            f"{', '.join(absent[:3])}; name genes by Entrez ids"
        )
    landmarks = set(genes.entrez)
    twice = [name for i, name in enumerate(ids) if name in landmarks and place[name] != i]
    if twice:
        raise InputError(f"{path}: gene {twice[0]} twice; remove one of them")
    return [place[gene] for gene in genes.entrez]
