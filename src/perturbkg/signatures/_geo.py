"""Read the L1000 releases on GEO: a Level 5 GCTX and the tables beside it, in GEO's own columns."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import given, identified, numbers
from perturbkg.signatures import Compounds, Genes, Selected, SignatureSource
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
from perturbkg.signatures._fields import collapsed, members, read_table
from perturbkg.signatures._filters import Filters
from perturbkg.signatures._gctx import profiles
from perturbkg.signatures._siginfo import understood

NAMED = {"cc_q75": "distil_cc_q75"}
METRICS = {"tas": "tas", "distil_cc_q75": "cc_q75", "distil_nsample": "nsample"}


@dataclass(frozen=True)
class _GEO(SignatureSource):
    """A GEO series of the Connectivity Map."""

    files: ClassVar[dict[str, str]] = {
        "gctx": "Level 5 signatures, GSE*_Broad_LINCS_Level5_COMPZ*.gctx",
        "siginfo": "signature table, GSE*_Broad_LINCS_sig_info*.txt",
        "metrics": "signature metrics, GSE*_Broad_LINCS_sig_metrics*.txt",
        "compoundinfo": "perturbagen table, GSE*_Broad_LINCS_pert_info*.txt",
        "cellinfo": "cell line table, GSE*_Broad_LINCS_cell_info*.txt",
        "geneinfo": "gene table, GSE*_Broad_LINCS_gene_info*.txt",
    }
    optional_files: ClassVar[dict[str, str]] = {
        "targets": "targets and aliases, which GEO lacks: compoundinfo_beta.txt of LINCS 2020",
        "xref": "cross-references, columns pert_id and drugbank_id (CSV, tab-separated or Parquet)",
    }
    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "genes": ("geneinfo",),
        "select": ("siginfo", "metrics", "compoundinfo", "cellinfo"),
        "compounds": ("compoundinfo", "targets", "xref"),
        "cell_lines": ("cellinfo",),
    }
    labels: ClassVar[dict[str, tuple[str, ...]]] = {"level5": ("gctx",)}
    licence: ClassVar[str] = "none stated (public GEO deposit)"
    citation: ClassVar[str] = (
        "Subramanian et al.: A Next Generation Connectivity Map: L1000 Platform and the First 1,000,000 "
        "Profiles. Cell 171, 1437-1452 (2017). doi:10.1016/j.cell.2017.10.049"
    )

    @abstractmethod
    def doses(self, path: Path, pert_type: str | None) -> pl.DataFrame:
        """Read the signature table; rows of another `pert_type` than the wanted one may be unreadable.

        Columns, as text: row, sig_id, pert_id, cell_id, pert_type, pert_dose, pert_dose_unit, pert_time,
        pert_time_unit.
        """

    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 genes whose pr_is_lm is 1, by ascending Entrez id."""
        path = given(files, "geneinfo", self.files)
        return landmark_genes(path, "pr_gene_id", "pr_gene_symbol", "pr_is_lm", "1")

    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signature table; each filter counts what it removed of what those before it left."""
        path = given(files, "siginfo", self.files)
        wanted = Filters.of(filters)
        for key, column in (("require_hiq", "is_hiq"), ("require_qc_pass", "qc_pass")):
            if getattr(wanted, key):
                raise InputError(
                    f"{path}: the releases on GEO have no {column}, so filters.{key} cannot be met; set it "
                    "to false, and filter by filters.minimum_tas or minimum_replicate_correlation"
                )
        table = identified(self.doses(path, wanted.pert_type), "sig_id", path).rename(
            {"cell_id": "cell_iname"}
        )
        metrics = _metrics(given(files, "metrics", self.files))
        table = table.join(metrics, on="sig_id", how="left", maintain_order="left")
        return filtered(
            understood(table, path, pert_type=wanted.pert_type),
            path,
            wanted,
            cells=(given(files, "cellinfo", self.files), "cell_id"),
            compounds=(given(files, "compoundinfo", self.files), "pert_id"),
            named=NAMED,
        )

    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the perturbagen table; targets and aliases come from LINCS 2020 where its table is given."""
        path = given(files, "compoundinfo", self.files)
        table = read_compounds(path, ["pert_id", "pert_iname", "canonical_smiles", "inchi_key"], [])
        table = table.rename({"pert_iname": "name"})
        table = table.join(self._targets(files), on="pert_id", how="left", maintain_order="left")
        return gathered(table, path, read_xref(_optional(files, "xref", self.optional_files)))

    def _targets(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read pert_id, target and alias, each as one text with | between values."""
        path = _optional(files, "targets", self.optional_files)
        if path is None:
            return pl.DataFrame(schema=dict.fromkeys(("pert_id", "target", "alias"), pl.String))
        table = read_table(path, ["pert_id", "target"], ["compound_aliases"])
        gathered = table.group_by("pert_id").agg(
            pl.col(column).drop_nulls().unique().sort().str.join("|").replace("", None).alias(name)
            for column, name in (("target", "target"), ("compound_aliases", "alias"))
        )
        return gathered.drop_nulls("pert_id")

    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read the cell line table."""
        path = given(files, "cellinfo", self.files)
        optional = ("cell_type", "primary_site", "subtype", "sample_type")
        table = identified(read_table(path, ["cell_id"], optional, missing=UNKNOWN), "cell_id", path)
        # ASSUME: the subtype of a tumour is its disease; of normal tissue it says what the cells are.
        subtype = members(pl.col("subtype")).list.join(",")
        tumour = (pl.col("sample_type") == "tumor").fill_null(False)
        return described(
            table.rename({"cell_id": "cell", "primary_site": "lineage"}).with_columns(
                disease=pl.when(tumour).then(subtype),
                subtype=pl.when(~tumour).then(subtype),
            )
        )

    def measured(self, files: dict[str, Path], selection: pl.DataFrame, label: str) -> Selected:
        """Keep the signatures that the matrix holds; the others are listed."""
        return measured(given(files, "gctx", self.files), selection, label)

    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read delta profiles: MODZ z-scores."""
        yield from profiles(given(files, "gctx", self.files), selection["signature"], genes)


def _metrics(path: Path) -> pl.DataFrame:
    """Read sig_id, tas, cc_q75 and nsample; null where nothing is known, as for a single replicate."""
    table = identified(read_table(path, ["sig_id", *METRICS]), "sig_id", path)
    return numbers(collapsed(table, METRICS), list(METRICS), path).drop("row").rename(METRICS)


def _optional(files: dict[str, Path], key: str, what: dict[str, str]) -> Path | None:
    """Return the path of a file that need not be given."""
    return given(files, key, what) if files.get(key) else None
