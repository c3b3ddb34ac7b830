"""Which molecules have the same scaffold."""

import polars as pl


def scaffold_groups(molecules: pl.DataFrame) -> pl.Series:
    """Return the group of each row: "scaffold:<SMILES>", or "parent:<id>" for an acyclic parent.

    Reads the columns `parent` and `scaffold`. ASSUME: an acyclic parent has no scaffold and is a group of its
    own. One bucket for all of them would be a large group of unrelated molecules.
    """
    return molecules.select(
        pl.when(pl.col("scaffold") == "")
        .then("parent:" + pl.col("parent"))
        .otherwise("scaffold:" + pl.col("scaffold"))
        .alias("group")
    )["group"]
