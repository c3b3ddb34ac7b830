"""Write the gene table and the Level 5 matrix of a series on GEO."""

from pathlib import Path

from reader_examples import write_genes, write_matrix


def write(folder: Path) -> None:
    """Write geneinfo.txt and gctx.gctx."""
    write_genes(folder / "geneinfo.txt", ("pr_gene_id", "pr_gene_symbol", "pr_is_lm"), "1", "0")
    write_matrix(["S3", "S1", "S2"], folder / "gctx.gctx")
