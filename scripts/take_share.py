"""Leave all but a share of the training groups of a fold out."""

from pathlib import Path
from typing import Any

import numpy as np

from perturbkg import plugins, schemas
from perturbkg.io.scripting import reporting
from perturbkg.splits._shares import take_share
from perturbkg.splits._tables import add_parts, read_signatures


def main(
    *,
    signatures: str | Path,
    drugs: str | Path,
    fold: str | Path,
    part: str | Path,
    split: str,
    options: dict[str, Any],
    share: float,
    seed: int,
) -> None:
    """Write the fold, schemas.Fold, with a share of its training groups."""
    table = add_parts(read_signatures(signatures, schemas.read(drugs, schemas.Drugs)), fold)
    groups = plugins.create("splits", split, options).groups(table.drop("part"))
    taken = take_share(groups, table["part"], share, np.random.default_rng(seed))
    schemas.write(table.select("signature", taken), schemas.Fold, part)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "take_share"):
        main(
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            fold=snakemake.input.fold,
            part=snakemake.output.part,
            split=snakemake.params.split,
            options=snakemake.params.options,
            share=snakemake.params.share,
            seed=snakemake.params.seed,
        )
