"""Skeleton: say in one sentence whose signatures this reads, and from which files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.delimited import given, identified, numbers
from perturbkg.io.tallies import excluded
from perturbkg.signatures import NOTHING, Compounds, Genes, Selected, SignatureSource
from perturbkg.signatures._cmap import filtered, landmark_genes
from perturbkg.signatures._filters import Filters

AT_ONCE = 1_000  # signatures in memory
# What filters and schemas.Selection ask for, and this source does not know.
UNKNOWN = {
    **dict.fromkeys(("nearest_dose_um", "tas", "replicate_correlation"), pl.Float64),
    "replicates": pl.Int64,
    **dict.fromkeys(("hiq", "qc_pass"), pl.Boolean),
}


@dataclass(frozen=True)
class Skeleton(SignatureSource):
    """Say what the deltas are: here, z-scores in a wide table, a signature each row."""

    # File key -> what the file is. A config gives its path: `files: {skeleton: path}`.
    files: ClassVar[dict[str, str]] = {
        "skeleton": "signatures: signature, drug, cell, dose_um, time_h, and a column for each Entrez id",
        "skeleton_compounds": "compounds: drug, smiles; if there: name, targets (symbols, with | between)",
        "skeleton_cells": "cell lines: cell; if there: lineage, disease, description",
        "geneinfo": "gene table, geneinfo_beta.txt of LINCS 2020",
    }
    optional_files: ClassVar[dict[str, str]] = {}
    # File key -> its name in sources/catalogue.yaml, if `source: download` is to fetch it.
    sources: ClassVar[dict[str, str]] = {"geneinfo": "lincs2020_geneinfo"}
    # Step -> the files that it reads, so that a change of one reruns what reads it and no more.
    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "genes": ("geneinfo",),
        "select": ("skeleton", "skeleton_compounds", "skeleton_cells"),
        "compounds": ("skeleton_compounds",),
        "cell_lines": ("skeleton_cells",),
    }
    # What can be predicted -> the files with the profiles: level5 are deltas as published.
    labels: ClassVar[dict[str, tuple[str, ...]]] = {"level5": ("skeleton",)}
    licence: ClassVar[str] = "say on which terms the signatures may be used"
    citation: ClassVar[str] = (
        "say what to cite; landmark genes: Subramanian et al., Cell 171, 1437-1452 (2017), "
        "doi:10.1016/j.cell.2017.10.049"
    )

    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 landmark genes."""
        path = given(files, "geneinfo", self.files)
        return landmark_genes(path, "gene_id", "gene_symbol", "feature_space", "landmark")

    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signatures; every filter counts what it removes."""
        path = given(files, "skeleton", self.files)
        table = tables.read(path, ["signature", "drug", "cell", "dose_um", "time_h"])
        table = numbers(identified(table, "signature", path), ["dose_um", "time_h"], path)
        return filtered(
            table.with_columns(
                *(pl.lit(None, kind).alias(name) for name, kind in UNKNOWN.items()),
                pert_type=pl.lit("trt_cp"),
                merged=pl.lit(1, pl.Int64),
            ),
            path,
            Filters.of(filters),
            cells=(given(files, "skeleton_cells", self.files), "cell"),
            compounds=(given(files, "skeleton_compounds", self.files), "drug"),
            reader=tables.read,
        )

    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the compounds as they are; the workflow standardises their structures."""
        path = given(files, "skeleton_compounds", self.files)
        table = identified(tables.read(path, ["drug", "smiles"], ["name", "targets"]), "drug", path)
        nothing = pl.lit([], pl.List(pl.String))
        table = table.select(
            "drug",
            pl.coalesce("name", "drug").alias("name"),
            "smiles",
            inchikey=pl.lit(None, pl.String),
            aliases=nothing,
            targets=pl.col("targets").str.split("|").list.unique().list.sort().fill_null([]),
            xref=nothing,
            row="row",
        )
        return Compounds(table, excluded("prepare_drugs", "structures", NOTHING))

    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read what is known of the cell lines."""
        path = given(files, "skeleton_cells", self.files)
        return identified(tables.read(path, ["cell"], ["lineage", "disease", "description"]), "cell", path)

    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield blocks of (rows of `selection`, deltas (n, 978) float32), each row once, in any order."""
        path = given(files, "skeleton", self.files)
        row_of = {name: row for row, name in enumerate(selection["signature"])}
        found = 0
        for table in tables.batches(path, ["signature", *genes.entrez], AT_ONCE):
            block = table.filter(pl.col("signature").is_in(list(row_of)))
            values = block.select(pl.col(genes.entrez).cast(pl.Float32, strict=False)).to_numpy()
            if len(bad := np.argwhere(~np.isfinite(values))):
                row, gene = bad[0]
                raise InputError(
                    f"{path}: signature {block['signature'][int(row)]!r}, gene {genes.entrez[gene]}: "
                    "no finite number; fix or remove the signature"
                )
            found += len(block)
            yield np.array([row_of[name] for name in block["signature"]], np.int64), values
        if found < len(selection):
            raise InputError(f"{path}: {found} of {len(selection)} selected signatures found; run again")
