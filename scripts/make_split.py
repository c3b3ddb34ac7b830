"""Cut the signatures into the folds of one split, once, for all models."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from perturbkg import plugins, schemas
from perturbkg.io.scripting import reporting
from perturbkg.splits._evaluated import Condition, only_evaluated
from perturbkg.splits._tables import read_signatures


def main(
    *,
    signatures: str | Path,
    drugs: str | Path,
    folds: list[str | Path],
    split: str,
    options: dict[str, Any],
    validation: float,
    evaluate: dict[str, Any],
    seed: int,
) -> None:
    """Write the part of each signature in each fold, in the order of signatures.h5ad: schemas.Fold."""
    table = read_signatures(signatures, schemas.read(drugs, schemas.Drugs))
    chosen = plugins.create("splits", split, options)
    parts = chosen.assign(table, len(folds), validation, np.random.default_rng(seed))
    evaluated = Condition(**evaluate).met(signatures)
    for fold, (path, whole) in enumerate(zip(folds, parts, strict=True)):
        part = only_evaluated(whole, evaluated, fold)
        schemas.write(pl.DataFrame({"signature": table["signature"], "part": part}), schemas.Fold, path)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_split"):
        main(
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            folds=list(snakemake.output.folds),
            split=snakemake.params.split,
            options=snakemake.params.options,
            validation=snakemake.params.validation,
            evaluate=snakemake.params.evaluate,
            seed=snakemake.params.seed,
        )
