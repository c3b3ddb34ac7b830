"""Score one run's predictions: every metric for every test signature, undefined values null with a reason."""

from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import schemas
from perturbkg.io.scripting import reporting
from perturbkg.scoring.match import read_evaluation
from perturbkg.scoring.score import score


def main(
    *,
    prediction: str | Path,
    signatures: str | Path,
    fold: str | Path,
    cell_means: str | Path,
    scores: str | Path,
    metrics: list[str],
    identity: dict[str, Any],
) -> None:
    """Write scores.parquet of one run; `identity` is its dataset, split, fold, model, ablation and seed."""
    test = schemas.read(fold, schemas.Fold).filter(pl.col("part") == "test")["signature"].to_list()
    evaluation, _ = read_evaluation(signatures, prediction, means=cell_means, signatures=test)
    columns = schemas.Scores.to_schema().columns
    table = (
        score(test, evaluation, metrics)
        .with_columns(
            pl.lit(value, dtype=columns[key].dtype.type).alias(key) for key, value in identity.items()
        )
        .select(*columns)
    )
    schemas.write(table, schemas.Scores, scores)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "score_predictions"):
        main(
            prediction=snakemake.input.prediction,
            signatures=snakemake.input.signatures,
            fold=snakemake.input.fold,
            cell_means=snakemake.input.cell_means,
            scores=snakemake.output.scores,
            metrics=snakemake.params.metrics,
            identity=snakemake.params.identity,
        )
