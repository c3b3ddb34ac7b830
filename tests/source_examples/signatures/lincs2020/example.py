"""Write the gene table and the matrices of a release: S3 has no Level 5 profile, S1 no usable well."""

from pathlib import Path

from reader_examples import write_genes, write_matrix


def write(folder: Path) -> None:
    """Write geneinfo.txt, gctx.gctx, level3_trt.gctx and level3_ctl.gctx."""
    write_genes(folder / "geneinfo.txt", ("gene_id", "gene_symbol", "feature_space"), "landmark", "inferred")
    write_matrix(["S7", "S1", "S2"], folder / "gctx.gctx")
    write_matrix(["P1:A01", "P1:A02", "P2:A01", "P2:A02"], folder / "level3_ctl.gctx")
    write_matrix(["P1:B01", "P2:B01", "P1:B02", "P1:B03"], folder / "level3_trt.gctx")
