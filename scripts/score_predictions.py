"""Score the predictions of a fold's runs: every metric for every test signature, undefined values null."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import schemas
from perturbkg.io.scripting import reporting
from perturbkg.scoring.match import match, read_truth
from perturbkg.scoring.score import score


def main(
    *,
    predictions: Sequence[str | Path],
    identities: Sequence[Mapping[str, Any]],
    signatures: str | Path,
    fold: str | Path,
    cell_means: str | Path,
    metrics: Sequence[str],
    scores: Sequence[str | Path],
) -> None:
    """Write scores.parquet of each run: `predictions`, `identities` and `scores` are in the same order.

    An identity is the run's dataset, split, fold, model, ablation, share and seed.
    """
    test = schemas.read(fold, schemas.Fold).filter(pl.col("part") == "test")["signature"].to_list()
    truth = read_truth(signatures, means=cell_means, signatures=test)
    columns = schemas.Scores.to_schema().columns
    for prediction, identity, path in zip(predictions, identities, scores, strict=True):
        table = score(test, match(truth, prediction), metrics).with_columns(
            pl.lit(value, dtype=columns[key].dtype.type).alias(key) for key, value in identity.items()
        )
        schemas.write(table.select(*columns), schemas.Scores, path)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "score_predictions"):
        main(
            predictions=snakemake.input.predictions,
            identities=snakemake.params.identities,
            signatures=snakemake.input.signatures,
            fold=snakemake.input.fold,
            cell_means=snakemake.input.cell_means,
            metrics=snakemake.params.metrics,
            scores=snakemake.output.scores,
        )
