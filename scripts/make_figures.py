"""Draw the figures of the report from its tables and from predictions of the reference model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perturbkg import schemas
from perturbkg.io.scripting import reporting
from perturbkg.report import registry
from perturbkg.report.choices import Choices
from perturbkg.report.figures import Material
from perturbkg.report.figures._drawing import chart_of, save


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
    choices: dict[str, Any],
) -> None:
    """Write each of `registry.names("figures")`, in that order, to svg and png.

    `tables` are the CSV files of `registry.names("tables")`, in that order; `predictions` those of the
    reference model without ablation for all folds of `split` and one `model_seed`.
    """
    material = Material(
        tables={
            name: registry.load("tables", name).read(path)
            for name, path in zip(registry.names("tables"), tables, strict=True)
        },
        choices=Choices(**choices),
        scores=scores,
        signatures=signatures,
        drugs=schemas.read(drugs, schemas.Drugs),
        predictions=predictions,
        split=split,
        model_seed=model_seed,
    )
    for name, *paths in zip(registry.names("figures"), svg, png, strict=True):
        save(chart_of(registry.load("figures", name), material), *paths)


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
            choices=snakemake.params.choices,
            svg=snakemake.output.svg,
            png=snakemake.output.png,
        )
