"""Write a world's LINCS 2020 tables in the column layouts of the two L1000 series on GEO."""

from pathlib import Path

import polars as pl

MICRO = {"gse92742": "µM", "gse70138": "um"}
DISEASE = {"tumor": "adenocarcinoma| ductal", "normal": "normal kidney"}


def read_text(path: Path) -> pl.DataFrame:
    """Read a tab-separated table, every value as text."""
    return pl.read_csv(path, separator="\t", infer_schema=False, quote_char=None)


def write_geo(files: dict[str, Path], folder: Path, series: str) -> dict[str, Path]:
    """Write siginfo, metrics, compoundinfo, cellinfo and geneinfo of `series` (a key of `MICRO`).

    `files` are the LINCS 2020 files; the GCTX is the same in both. Returns file key -> path.
    """
    tables = {
        "siginfo": _siginfo(read_text(files["siginfo"]), series),
        "metrics": _metrics(read_text(files["siginfo"]), series),
        "compoundinfo": _perturbagens(read_text(files["compoundinfo"]), series),
        "cellinfo": _cells(read_text(files["cellinfo"])),
        "geneinfo": _genes(read_text(files["geneinfo"])),
    }
    written = {"gctx": files["gctx"], "targets": files["compoundinfo"], "xref": files["xref"]}
    for key, table in tables.items():
        written[key] = folder / f"{series.upper()}_Broad_LINCS_{key}.txt"
        write_table(table, written[key])
    return written


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a table as GEO does: tab-separated, -666 for unknown values."""
    table.with_columns(pl.all().fill_null("-666")).write_csv(path, separator="\t", quote_style="never")


def _siginfo(table: pl.DataFrame, series: str) -> pl.DataFrame:
    micro, known = MICRO[series], pl.col("pert_dose").is_not_null()
    names = ["sig_id", "pert_id", pl.col("cmap_name").alias("pert_iname"), "pert_type"]
    texts = {
        "pert_idose": pl.when(known).then(pl.format("{} {}", "pert_dose", pl.lit(micro))),
        "pert_itime": pl.format("{} h", "pert_time"),
    }
    numbers = {
        "pert_dose": "pert_dose",
        "pert_dose_unit": pl.when(known).then(pl.lit(micro)),
        "pert_idose": texts["pert_idose"],
        "pert_time": "pert_time",
        "pert_time_unit": "pert_time_unit",
        "pert_itime": texts["pert_itime"],
    }
    return table.select(
        *names,
        cell_id="cell_iname",
        **(numbers if series == "gse92742" else texts),
        distil_id=pl.format("{}_X1:A03|{}_X2:A03", "sig_id", "sig_id"),
    )


def _metrics(table: pl.DataFrame, series: str) -> pl.DataFrame:
    wells = {"ngenes_modulated_up_lm": pl.lit("8"), "ngenes_modulated_dn_lm": pl.lit("15")}
    rank = {"pct_self_rank_q25": pl.lit("4.97076")}
    names = {"pert_id": "pert_id", "pert_iname": "cmap_name", "pert_type": "pert_type"}
    scores = {"distil_cc_q75": "cc_q75", "distil_ss": pl.lit("3.02055")}
    if series == "gse92742":
        return table.select(
            "sig_id",
            **names,
            **scores,
            **wells,
            tas="tas",
            **rank,
            is_exemplar=pl.lit("0"),
            distil_nsample="nsample",
        )
    # The file of GSE70138 starts with an unnamed column of row numbers.
    columns = table.select("sig_id", **scores, **names, tas="tas", **wells, **rank, distil_nsample="nsample")
    return columns.select(pl.int_range(pl.len()).cast(pl.String).alias(""), pl.all())


def _perturbagens(table: pl.DataFrame, series: str) -> pl.DataFrame:
    first = table.group_by("pert_id", maintain_order=True).agg(pl.all().drop_nulls().first())
    structure = {"canonical_smiles": "canonical_smiles", "inchi_key": "inchi_key"}
    kind = {"pert_iname": "cmap_name", "pert_type": pl.lit("trt_cp")}
    if series == "gse70138":
        return first.select("pert_id", **structure, **kind)
    return first.select(
        "pert_id",
        **kind,
        is_touchstone=pl.lit("0"),
        inchi_key_prefix=pl.col("inchi_key").str.head(14),
        inchi_key="inchi_key",
        canonical_smiles="canonical_smiles",
        pubchem_cid=pl.lit(None, pl.String),
    )


def _cells(table: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, pl.String)
    kind = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("tumor")).otherwise(pl.lit("normal"))
    return table.select(
        cell_id="cell_iname",
        cell_type=pl.lit("cell line"),
        base_cell_id="cell_iname",
        precursor_cell_id=nothing,
        modification=nothing,
        sample_type=kind,
        primary_site="cell_lineage",
        subtype=kind.replace_strict(DISEASE),
        original_growth_pattern=pl.lit("adherent"),
        provider_catalog_id=nothing,
        original_source_vendor=nothing,
        donor_age=nothing,
        donor_sex=nothing,
        donor_ethnicity=nothing,
    )


def _genes(table: pl.DataFrame) -> pl.DataFrame:
    landmark = (pl.col("feature_space") == "landmark").cast(pl.Int8).cast(pl.String)
    return table.select(
        pr_gene_id="gene_id",
        pr_gene_symbol="gene_symbol",
        pr_gene_title="gene_symbol",
        pr_is_lm=landmark,
        pr_is_bing=pl.lit("1"),
    )
