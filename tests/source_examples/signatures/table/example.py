"""Write the gene table and a wide table of profiles, its genes in reverse."""

from pathlib import Path

import polars as pl
from reader_examples import GENES, profiles, write_genes

SIGNATURES = {
    "signature": ["s2", "s1", "s3"],
    "drug": ["d2", "d1", "d1"],
    "cell": ["MCF7", "5637", "5637"],
    "dose_um": [10.0, 9.99999, 1.0],
    "time_h": [24, 24, 24],
}


def write(folder: Path) -> None:
    """Write geneinfo.txt and profiles.csv."""
    write_genes(folder / "geneinfo.txt", ("gene_id", "gene_symbol", "feature_space"), "landmark", "inferred")
    values = pl.DataFrame(profiles(3), schema=GENES.entrez).select(reversed(GENES.entrez))
    pl.concat([pl.DataFrame(SIGNATURES), values], how="horizontal").write_csv(folder / "profiles.csv")
