"""Read LINCS 2020 (CLUE): a Level 5 GCTX, its signature, compound, cell and gene tables, and a baseline."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.delimited import MISSING, given, identified, numbers, read
from perturbkg.io.tallies import counted, excluded
from perturbkg.signatures import Compounds, Genes, Selected, SignatureSource
from perturbkg.signatures._filters import Filters
from perturbkg.signatures._gctx import read_profiles
from perturbkg.signatures._siginfo import read_siginfo

STAGE = "select_signatures"
LANDMARKS = 978
UNKNOWN = (*MISSING, "unknown", "Unknown")


@dataclass(frozen=True)
class LINCS2020(SignatureSource):
    """LINCS 2020 Level 5 (MODZ) signatures of compounds."""

    files: ClassVar[dict[str, str]] = {
        "gctx": "Level 5 signatures, level5_beta_trt_cp_n*x12328.gctx",
        "siginfo": "signature table, siginfo_beta.txt",
        "compoundinfo": "compound table, compoundinfo_beta.txt",
        "cellinfo": "cell line table, cellinfo_beta.txt",
        "geneinfo": "gene table, geneinfo_beta.txt",
    }
    optional_files: ClassVar[dict[str, str]] = {
        "xref": "cross-references, columns pert_id and drugbank_id, tab-separated"
    }
    sources: ClassVar[dict[str, str]] = {
        "gctx": "lincs2020_level5",
        "siginfo": "lincs2020_siginfo",
        "compoundinfo": "lincs2020_compoundinfo",
        "cellinfo": "lincs2020_cellinfo",
        "geneinfo": "lincs2020_geneinfo",
    }
    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "genes": ("geneinfo",),
        "select": ("siginfo", "compoundinfo", "cellinfo"),
        "compounds": ("compoundinfo", "xref"),
        "cell_lines": ("cellinfo",),
    }
    labels: ClassVar[dict[str, tuple[str, ...]]] = {"level5": ("gctx",)}
    licence: ClassVar[str] = "CC BY 4.0"
    citation: ClassVar[str] = (
        "Subramanian et al.: A Next Generation Connectivity Map: L1000 Platform and the First 1,000,000 "
        "Profiles. Cell 171, 1437-1452 (2017). doi:10.1016/j.cell.2017.10.049"
    )

    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 genes whose feature_space is landmark, by ascending Entrez id."""
        path = given(files, "geneinfo", self.files)
        table = read(path, ["gene_id", "gene_symbol", "feature_space"])
        landmarks = identified(table.filter(pl.col("feature_space") == "landmark"), "gene_id", path)
        if len(landmarks) != LANDMARKS:
            raise InputError(
                f"{path}: {len(landmarks)} genes with feature_space 'landmark', expected {LANDMARKS}; "
                "give the L1000 gene table"
            )
        landmarks = identified(landmarks, "gene_symbol", path)
        # Not the text: as text 10007 sorts before 1001.
        landmarks = numbers(landmarks.with_columns(entrez="gene_id"), ["entrez"], path).sort("entrez")
        return Genes(landmarks["gene_id"].to_list(), landmarks["gene_symbol"].to_list())

    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signature table; each filter counts what it removed of what those before it left."""
        path = given(files, "siginfo", self.files)
        wanted = Filters.of(filters)
        table = read_siginfo(path)
        cells, drugs = (
            read(given(files, key, self.files), [column])[column].drop_nulls().unique()
            for key, column in (("cellinfo", "cell_iname"), ("compoundinfo", "pert_id"))
        )
        for cell in sorted(set(wanted.cells) - set(cells)):
            raise InputError(
                f"filters.cells: unknown cell line {cell!r}; {files['cellinfo']} has no such row"
            )
        unknown = [
            ("cell line is not in the cell table", pl.col("cell").is_in(cells.implode())),
            ("compound is not in the compound table", pl.col("drug").is_in(drugs.implode())),
        ]
        counts, exclusions = [("read", len(table))], []
        for reason, keep in wanted.steps(table, path) + unknown:
            removed, table = table.filter(~keep.fill_null(False)), table.filter(keep)
            counts.append((reason, len(removed)))
            if any(reason == other for other, _ in unknown):
                removed = removed.select("row", item="signature", reason=pl.lit(reason))
                exclusions.append(excluded(STAGE, "signatures", removed))
            if table.is_empty():
                raise InputError(
                    f"{path}: no signature is left: {reason} in the last {len(removed)}; see filters"
                )
        counts.append(("kept", len(table)))
        selection = table.sort("signature").select(list(schemas.Selection.to_schema().columns))
        return Selected(selection, counted(STAGE, "signatures", counts), pl.concat(exclusions))

    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the compound table, which has a row for each target and alias of a compound."""
        path = given(files, "compoundinfo", self.files)
        table = read(
            path,
            ["pert_id", "canonical_smiles"],
            ["cmap_name", "target", "inchi_key", "compound_aliases"],
        )
        nameless = table.filter(pl.col("pert_id").is_null())
        if len(nameless):
            raise InputError(f"{path}: row {nameless['row'][0]}: no pert_id; mend or remove the row")
        compounds = (
            table.group_by("pert_id", maintain_order=True)
            .agg(
                name=pl.col("cmap_name").drop_nulls().first(),
                smiles=pl.col("canonical_smiles").drop_nulls().first(),
                inchikey=pl.col("inchi_key").drop_nulls().first(),
                aliases=_values("compound_aliases"),
                targets=_values("target"),
                row=pl.col("row").first(),
            )
            .rename({"pert_id": "drug"})
            .with_columns(name=pl.coalesce("name", "drug"))
        )
        # The first SMILES of a compound is kept; rows that disagree with it are listed.
        first = table.join(compounds.select("drug", "smiles"), left_on="pert_id", right_on="drug")
        others = first.filter(pl.col("canonical_smiles") != pl.col("smiles")).select(
            "row",
            item=pl.format("{} {}", "pert_id", "canonical_smiles"),
            reason=pl.lit("differs from the first SMILES of this compound, which is kept"),
        )
        xref = self._xref(files)
        return Compounds(
            compounds.join(xref, on="drug", how="left", maintain_order="left")
            .with_columns(pl.col("xref").fill_null([]))
            .select("drug", "name", "smiles", "inchikey", "aliases", "targets", "xref", "row"),
            excluded("prepare_drugs", "structures", others.sort("row")),
        )

    def _xref(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read drug -> DrugBank ids, where such a table is given."""
        if not files.get("xref"):
            return pl.DataFrame(schema={"drug": pl.String, "xref": pl.List(pl.String)})
        table = read(given(files, "xref", self.optional_files), ["pert_id", "drugbank_id"])
        return (
            table.drop_nulls()
            .group_by("pert_id")
            .agg(xref=pl.col("drugbank_id").unique().sort())
            .rename({"pert_id": "drug"})
        )

    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read the cell line table."""
        path = given(files, "cellinfo", self.files)
        columns = ("cell_type", "cell_lineage", "primary_disease", "subtype")
        table = identified(read(path, ["cell_iname"], columns, missing=UNKNOWN), "cell_iname", path)
        return table.rename({"cell_iname": "cell"}).select(
            "row", "cell", lineage="cell_lineage", disease="primary_disease", description=_description()
        )

    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read delta profiles: MODZ z-scores."""
        rows = np.arange(len(selection))
        yield rows, read_profiles(given(files, "gctx", self.files), selection["signature"].to_list(), genes)


def _values(column: str) -> pl.Expr:
    """Collect the values of a group, sorted and once each; some releases put several in one field."""
    return pl.col(column).drop_nulls().str.split("|").explode().str.strip_chars().unique().sort().drop_nulls()


def _description() -> pl.Expr:
    """Compose what is known of a cell line into a sentence for a text encoder, null if nothing is."""
    known = [
        pl.format(f"{label}: {{}}.", pl.col(column).str.replace_all(",\\s*", ", "))
        for label, column in (
            ("Type", "cell_type"),
            ("Lineage", "cell_lineage"),
            ("Disease", "primary_disease"),
            ("Subtype", "subtype"),
        )
    ]
    nothing = pl.all_horizontal(pl.col("cell_type", "cell_lineage", "primary_disease", "subtype").is_null())
    sentence = pl.concat_str(pl.format("Cell line {}.", "cell"), *known, separator=" ", ignore_nulls=True)
    return pl.when(~nothing).then(sentence)
