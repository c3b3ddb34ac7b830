"""Make the report's tables and its verdict from scores, runs, and tables of signatures and drugs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg.io.files import write_json
from perturbkg.io.scripting import reporting
from perturbkg.report import registry
from perturbkg.report.choices import Choices
from perturbkg.report.estimates import Estimator
from perturbkg.report.export import write_table
from perturbkg.report.results import read_results
from perturbkg.report.verdict import judge


def main(
    *,
    csv: Sequence[str | Path],
    markdown: Sequence[str | Path],
    latex: Sequence[str | Path],
    layout: Sequence[str | Path],
    verdict: str | Path,
    resamples: int,
    seed: int,
    choices: dict[str, Any],
    **inputs: Any,
) -> None:
    """Write each of `registry.names("tables")`, in that order, in four forms; and verdict.json.

    `inputs` are those of `read_results`, `choices` the fields of `Choices`.
    """
    chosen = Choices(**choices)
    results = read_results(**inputs, choices=chosen, estimator=Estimator(resamples, seed))
    frames: dict[str, pl.DataFrame] = {}
    for name, *paths in zip(registry.names("tables"), csv, markdown, latex, layout, strict=True):
        table = registry.load("tables", name)
        frames[name] = table.make(results)
        grids = table.lay_out(frames[name], chosen)
        forms = dict(zip(("csv", "markdown", "latex", "layout"), paths, strict=True))
        write_table(name, table.title, table.note, frames[name], grids, **forms)
    write_json(judge(frames["main"], frames["comparisons"], frames["ablations"], chosen), verdict)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_tables"):
        main(
            scores=snakemake.input.scores,
            runs=snakemake.input.runs,
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            matches=snakemake.input.matches,
            test_drugs=snakemake.input.test_drugs,
            manifests=snakemake.input.manifests,
            counts=snakemake.input.counts,
            exclusions=snakemake.input.exclusions,
            folds=snakemake.params.folds,
            resamples=snakemake.params.resamples,
            seed=snakemake.params.seed,
            choices=snakemake.params.choices,
            csv=snakemake.output.csv,
            markdown=snakemake.output.markdown,
            latex=snakemake.output.latex,
            layout=snakemake.output.layout,
            verdict=snakemake.output.verdict,
        )
