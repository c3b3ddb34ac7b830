"""Impute targets: what molecules of similar structure are known to bind."""

import numpy as np
import polars as pl

from perturbkg.drugs.fingerprints import count_fingerprints
from perturbkg.drugs.similarity import count_tanimoto

LEAST = 0.3  # min/max Tanimoto of Morgan counts from which a molecule says something
NEAREST = 10  # molecules of each drug
POWER = 4  # of the similarity, in the weight of a molecule
ALONE = 0.1  # a molecule of this similarity would have half of the weight by itself
BLOCK = 512  # drugs that are compared at once


def impute(drugs: pl.DataFrame, molecules: pl.DataFrame) -> pl.DataFrame:
    """Return the targets of the nearest other molecules: the columns of schemas.Targets but for source.

    `drugs` has drug, smiles and parent; `molecules` has molecule, smiles, parent, target (node), symbol and
    match, a row for each known target. Molecules of one parent are one; that of the drug itself is left out.
    With s the similarities of the nearest ones, each gives s^4 / (sum of s^4 + .1^4), shared equally by its
    targets. `molecule` is the nearest with a target, `similarity` its own, `neighbours` how many have it.
    """
    known = molecules.unique(["parent", "target"], keep="first", maintain_order=True)
    known = known.with_columns(share=1 / pl.len().over("parent"))
    library = known.unique("parent", keep="first", maintain_order=True).select("parent", "smiles")
    return (
        pl.concat([_NOTHING, *_near(drugs, library)])
        .join(known.drop("smiles"), on="parent", maintain_order="left_right")
        .group_by("drug", "target", maintain_order=True)  # the nearest first
        .agg(
            pl.col("symbol", "match", "molecule").first(),
            weight=(pl.col("weight") * pl.col("share")).sum(),
            similarity=pl.col("similarity").first(),
            neighbours=pl.len().cast(pl.Int64),
        )
    )


_NOTHING = pl.DataFrame(
    schema={"drug": pl.String, "parent": pl.String, "similarity": pl.Float64, "weight": pl.Float64}
)


def _near(drugs: pl.DataFrame, library: pl.DataFrame) -> list[pl.DataFrame]:
    """Return drug, parent, similarity, weight of the nearest molecules of each drug, the nearest first."""
    if drugs.is_empty() or library.is_empty():
        return []
    counts, references = (
        count_fingerprints(table["smiles"].to_list(), "atoms") for table in (drugs, library)
    )
    parents = library["parent"].to_numpy()
    found = []
    for first in range(0, len(drugs), BLOCK):
        some = drugs[first : first + BLOCK]
        near = count_tanimoto(counts[first : first + BLOCK], references).astype(np.float64)
        near[(near < LEAST) | (some["parent"].to_numpy()[:, None] == parents)] = 0
        best = np.argsort(-near, axis=1, kind="stable")[:, :NEAREST]  # of equals the first in the library
        near = np.take_along_axis(near, best, axis=1)
        weight = near**POWER
        weight /= weight.sum(axis=1, keepdims=True) + ALONE**POWER
        row, rank = np.nonzero(near)
        found.append(
            pl.DataFrame(
                {
                    "drug": some["drug"].gather(row),
                    "parent": library["parent"].gather(best[row, rank]),
                    "similarity": near[row, rank],
                    "weight": weight[row, rank],
                }
            )
        )
    return found
