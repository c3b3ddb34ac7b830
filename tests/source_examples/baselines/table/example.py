"""Write a baseline of two cell lines, its genes in reverse after one that is not a landmark."""

from pathlib import Path

import polars as pl
from reader_examples import GENES, profiles


def write(folder: Path) -> None:
    """Write baseline.tsv."""
    values = pl.DataFrame(profiles(2), schema=GENES.entrez).select(reversed(GENES.entrez))
    first = pl.DataFrame({"cell": ["MCF7", "5637"], "5000": [99.0, 99.0]})
    pl.concat([first, values], how="horizontal").write_csv(folder / "baseline.tsv", separator="\t")
