"""Read LINCS 2020 (CLUE): a Level 5 GCTX, its signature, compound, cell and gene tables, and a baseline."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.io.delimited import given, identified
from perturbkg.signatures import Compounds, Genes, Selected, SignatureSource, _level3
from perturbkg.signatures._cmap import (
    UNKNOWN,
    described,
    filtered,
    gathered,
    landmark_genes,
    measured,
    read_compounds,
    read_xref,
)
from perturbkg.signatures._fields import read_table
from perturbkg.signatures._filters import Filters
from perturbkg.signatures._gctx import profiles
from perturbkg.signatures._siginfo import read_siginfo


@dataclass(frozen=True)
class LINCS2020(SignatureSource):
    """LINCS 2020 signatures of compounds: Level 5 (MODZ), or made of the wells of Level 3."""

    files: ClassVar[dict[str, str]] = {
        "gctx": "Level 5 signatures, level5_beta_trt_cp_n*x12328.gctx",
        "siginfo": "signature table, siginfo_beta.txt",
        "compoundinfo": "compound table, compoundinfo_beta.txt",
        "cellinfo": "cell line table, cellinfo_beta.txt",
        "geneinfo": "gene table, geneinfo_beta.txt",
        "instinfo": "well table, instinfo_beta.txt",
        "level3_trt": "Level 3 profiles of treated wells, level3_beta_trt_cp_n*x12328.gctx",
        "level3_ctl": "Level 3 profiles of control wells, level3_beta_ctl_n*x12328.gctx",
    }
    optional_files: ClassVar[dict[str, str]] = {
        "xref": "cross-references, columns pert_id and drugbank_id (CSV, tab-separated or Parquet)"
    }
    sources: ClassVar[dict[str, str]] = {
        "gctx": "lincs2020_level5",
        "siginfo": "lincs2020_siginfo",
        "compoundinfo": "lincs2020_compoundinfo",
        "cellinfo": "lincs2020_cellinfo",
        "geneinfo": "lincs2020_geneinfo",
        "instinfo": "lincs2020_instinfo",
        "level3_trt": "lincs2020_level3_trt",
        "level3_ctl": "lincs2020_level3_ctl",
    }
    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "genes": ("geneinfo",),
        "select": ("siginfo", "compoundinfo", "cellinfo"),
        "compounds": ("compoundinfo", "xref"),
        "cell_lines": ("cellinfo",),
    }
    labels: ClassVar[dict[str, tuple[str, ...]]] = {
        "level5": ("gctx",),
        "level3": ("siginfo", "instinfo", "level3_trt", "level3_ctl"),
    }
    licence: ClassVar[str] = "CC BY 4.0"
    citation: ClassVar[str] = (
        "Subramanian et al.: A Next Generation Connectivity Map: L1000 Platform and the First 1,000,000 "
        "Profiles. Cell 171, 1437-1452 (2017). doi:10.1016/j.cell.2017.10.049"
    )

    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 genes whose feature_space is landmark, by ascending Entrez id."""
        path = given(files, "geneinfo", self.files)
        return landmark_genes(path, "gene_id", "gene_symbol", "feature_space", "landmark")

    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signature table; each filter counts what it removed of what those before it left."""
        path = given(files, "siginfo", self.files)
        wanted = Filters.of(filters)
        return filtered(
            read_siginfo(path, wanted.pert_type),
            path,
            wanted,
            cells=(given(files, "cellinfo", self.files), "cell_iname"),
            compounds=(given(files, "compoundinfo", self.files), "pert_id"),
        )

    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the compound table, which has a row for each target and alias of a compound."""
        path = given(files, "compoundinfo", self.files)
        table = read_compounds(
            path,
            ["pert_id", "canonical_smiles"],
            ["cmap_name", "target", "inchi_key", "compound_aliases"],
        )
        xref = given(files, "xref", self.optional_files) if files.get("xref") else None
        columns = {"cmap_name": "name", "compound_aliases": "alias"}
        return gathered(table.rename(columns), path, read_xref(xref))

    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read the cell line table."""
        path = given(files, "cellinfo", self.files)
        optional = ("cell_type", "cell_lineage", "primary_disease", "subtype", "ccle_name")
        table = identified(read_table(path, ["cell_iname"], optional, missing=UNKNOWN), "cell_iname", path)
        columns = {"cell_iname": "cell", "cell_lineage": "lineage", "primary_disease": "disease"}
        return described(table.rename(columns))

    def measured(self, files: dict[str, Path], selection: pl.DataFrame, label: str) -> Selected:
        """Keep the signatures that the matrix holds, or of which usable wells make one; list the others."""
        paths = self._given(files, label)
        if label == "level3":
            return _level3.measured(paths, selection)
        return measured(paths["gctx"], selection, label)

    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read delta profiles: MODZ z-scores (level5), or log2 changes against vehicle wells (level3)."""
        paths = self._given(files, label)
        if label == "level3":
            yield from _level3.deltas(paths, selection, genes)
        else:
            yield from profiles(paths["gctx"], selection["signature"], genes)

    def _given(self, files: dict[str, Path], label: str) -> dict[str, Path]:
        """Return the paths of the files that a label is made of."""
        return {key: given(files, key, self.files) for key in self.labels[label]}
