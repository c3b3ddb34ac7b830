"""Find landmark genes among the nodes of a graph: by Entrez id where it has them, else by symbol."""

from collections.abc import Sequence

import polars as pl

from perturbkg.graph.types import GENE

NCBI = "NCBI"  # the source whose ids are Entrez ids


def find_genes(nodes: pl.DataFrame, entrez: Sequence[str], symbols: Sequence[str] | None) -> pl.Series:
    """Return the node of each gene, in their order, null where there is none or where several could be meant.

    `nodes` has the columns node ("<type>:<source>:<source_id>"), type and name; a gene's name is its symbol.
    Without `symbols`, genes are found by id alone.
    """
    genes = nodes.filter(type=GENE).select(
        "node",
        symbol="name",
        entrez=pl.col("node").str.strip_prefix(f"{GENE}:{NCBI}:"),
    )
    by_id = genes.filter(pl.col("entrez") != pl.col("node")).select("entrez", by_id="node")
    # A symbol finds a gene of another source only: one of NCBI's has an id that would have been found.
    others = genes.filter(pl.col("entrez") == pl.col("node")).unique("symbol", keep="none")
    wanted = pl.DataFrame(
        {"entrez": entrez, "symbol": [None] * len(entrez) if symbols is None else symbols},
        schema={"entrez": pl.String, "symbol": pl.String},
    )
    found = wanted.join(
        by_id.unique("entrez", keep="none"), on="entrez", how="left", maintain_order="left"
    ).join(others.select("symbol", by_symbol="node"), on="symbol", how="left", maintain_order="left")
    return found.select(pl.coalesce("by_id", "by_symbol").alias("node")).to_series()
