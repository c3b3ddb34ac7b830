"""Write the expression of models as DepMap has released it since 25Q2: the first model has two profiles."""

from pathlib import Path

import polars as pl
from reader_examples import GENES, profiles

PROFILES = {
    "": ["0", "1", "2", "3"],
    "SequencingID": ["CDS-1", "CDS-2", "CDS-3", "CDS-4"],
    "ModelID": ["ACH-1", "ACH-1", "ACH-2", "ACH-3"],
    "IsDefaultEntryForModel": ["No", "Yes", "Yes", "Yes"],
}


def write(folder: Path) -> None:
    """Write ccle_expression.csv."""
    named = {gene: f"{symbol} ({gene})" for gene, symbol in zip(GENES.entrez, GENES.symbol, strict=True)}
    values = pl.DataFrame(profiles(4), schema=GENES.entrez).select(reversed(GENES.entrez)).rename(named)
    other = pl.DataFrame({"OTHER (5000)": [99.0] * 4})
    table = pl.concat([pl.DataFrame(PROFILES), other, values], how="horizontal")
    table.write_csv(folder / "ccle_expression.csv")
