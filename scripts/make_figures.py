"""Draw the figures of the report from its tables and from predictions of the reference model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perturbkg import schemas
from perturbkg.io.scripting import reporting
from perturbkg.report import figures
from perturbkg.report.catalogue import FIGURES, HEADLINE, TABLES, Roles
from perturbkg.report.definitions import metric_infos
from perturbkg.report.profiles import example_profiles
from perturbkg.report.tables import read_table


def main(
    *,
    tables: Sequence[str | Path],
    scores: str | Path,
    signatures: str | Path,
    drugs: str | Path,
    predictions: Sequence[str | Path],
    svg: Sequence[str | Path],
    png: Sequence[str | Path],
    split: str,
    model_seed: int,
    headline: Sequence[str] = HEADLINE,
    roles: dict[str, Any] | None = None,
) -> None:
    """Write each of `catalogue.FIGURES`, in that order, to svg and png.

    `tables` are the CSV files of `catalogue.TABLES`, in that order; `predictions` those of the untouched
    reference model for all folds of `split` and one `model_seed`.
    """
    metrics, parts = metric_infos(), Roles(**(roles or {}))
    table = {name: read_table(name, path) for name, path in zip(TABLES, tables, strict=True)}
    examples = example_profiles(
        scores,
        signatures,
        schemas.read(drugs, schemas.Drugs),
        predictions,
        chosen={"split": split, "model": parts.reference, "ablation": "none", "seed": model_seed},
        metric=headline[0],
    )
    charts = {
        "models_by_split": figures.models_by_split(table["main"], metrics, headline),
        "ablation_ladder": figures.ablation_ladder(
            table["main"], table["ablations"], metrics, headline, parts
        ),
        "score_by_distance": figures.score_by_distance(table["strata"], metrics, headline, parts),
        "folds": figures.folds_by_model(table["folds"], metrics, headline),
        "heatmap_predictions": figures.heatmap_predictions(examples),
    }
    for name, *paths in zip(FIGURES, svg, png, strict=True):
        figures.save(charts[name], *paths)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_figures"):
        main(
            tables=snakemake.input.tables,
            scores=snakemake.input.scores,
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            predictions=snakemake.input.predictions,
            split=snakemake.params.split,
            model_seed=snakemake.params.model_seed,
            roles=snakemake.params.roles,
            svg=snakemake.output.svg,
            png=snakemake.output.png,
        )
