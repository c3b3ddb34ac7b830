"""Read what a split needs of the signatures, without their profiles."""

from pathlib import Path

import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels

COLUMNS = ["signature", "drug", "cell"]


def read_signatures(signatures: str | Path, drugs: pl.DataFrame) -> pl.DataFrame:
    """Return signature, drug, cell, parent, scaffold of each row of signatures.h5ad, in its order.

    Raises InputError for a missing column, a repeated signature, and one whose drug is not in `drugs`.
    """
    table, _ = read_labels(signatures)
    missing = sorted(set(COLUMNS) - set(table.columns))
    if missing:
        raise InputError(f"{signatures}: obs has no column {missing[0]!r}; columns are {table.columns}")
    repeated = table["signature"].filter(table["signature"].is_duplicated())
    if len(repeated):
        raise InputError(f"{signatures}: signature {repeated[0]} occurs more than once; keep one")
    joined = table.select(COLUMNS).join(
        drugs.select("drug", "parent", "scaffold"), on="drug", how="left", maintain_order="left"
    )
    unknown = joined.filter(pl.col("parent").is_null())
    if len(unknown):
        signature, drug = unknown.select("signature", "drug").row(0)
        raise InputError(
            f"{signatures}: drug {drug} of signature {signature} is not in the drug table; "
            "make both from the same selection"
        )
    return joined


def add_parts(signatures: pl.DataFrame, fold: str | Path) -> pl.DataFrame:
    """Add the column `part` of a fold; raise InputError if the fold is of other signatures."""
    parts = schemas.read(fold, schemas.Fold)
    if parts["signature"].to_list() != signatures["signature"].to_list():
        raise InputError(
            f"{fold}: its signatures are not those of signatures.h5ad in their order; split again"
        )
    return signatures.with_columns(parts["part"])
