"""Make the report's tables and its verdict from scores, runs and what is known of signatures and drugs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import schemas
from perturbkg.io.files import write_json
from perturbkg.io.matrices import read_matrix
from perturbkg.io.scripting import reporting
from perturbkg.report import formats, tables
from perturbkg.report.blocks import describe_signatures, make_blocks
from perturbkg.report.catalogue import HEADLINE, TABLES, Roles
from perturbkg.report.definitions import metric_infos
from perturbkg.report.layout import lay_out
from perturbkg.report.summaries import tabulate
from perturbkg.report.verdict import judge


def main(
    *,
    scores: str | Path,
    runs: str | Path,
    signatures: str | Path,
    drugs: str | Path,
    matches: str | Path,
    test_drugs: Sequence[str | Path],
    test_folds: Sequence[dict[str, Any]],
    counts: Sequence[str | Path],
    exclusions: Sequence[str | Path],
    csv: Sequence[str | Path],
    markdown: Sequence[str | Path],
    latex: Sequence[str | Path],
    verdict: str | Path,
    resamples: int,
    seed: int,
    headline: Sequence[str] = HEADLINE,
    roles: dict[str, Any] | None = None,
) -> None:
    """Write each of `catalogue.TABLES`, in that order, to csv, markdown and latex; and verdict.json.

    `test_folds` names the split and fold of each file of `test_drugs`: {"split": ..., "fold": ...}.
    """
    metrics, parts = metric_infos(), Roles(**(roles or {}))
    described = describe_signatures(
        *read_matrix(signatures)[:2],
        schemas.read(drugs, schemas.Drugs),
        tables.label_folds([schemas.read(path, schemas.TestDrugs) for path in test_drugs], test_folds),
    )
    scored, ran = schemas.read(scores, schemas.Scores), schemas.read(runs, schemas.Runs)
    counted = pl.concat([schemas.read(path, schemas.Counts) for path in counts])
    frames = tabulate(
        make_blocks(scored, described),
        metrics=metrics,
        headline=headline,
        roles=parts,
        resamples=resamples,
        seed=seed,
    ) | {
        "notes": tables.notes(ran),
        "undefined": tables.undefined(scored),
        "resources": tables.resources(ran),
        "counts": counted,
        "coverage": tables.coverage(counted),
        "matches": tables.matches(schemas.read(matches, schemas.Matches)),
        "exclusions": pl.concat([schemas.read(path, schemas.Exclusions) for path in exclusions]),
    }
    for name, *paths in zip(TABLES, csv, markdown, latex, strict=True):
        grids = lay_out(name, frames[name], metrics=metrics, headline=headline)
        formats.write_table(
            name, frames[name], grids, **dict(zip(("csv", "markdown", "latex"), paths, strict=True))
        )
    found = judge(
        *(frames[name] for name in ("main", "comparisons", "ablations")),
        metrics=metrics,
        headline=headline,
        roles=parts,
    )
    write_json(found, verdict)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_tables"):
        main(
            scores=snakemake.input.scores,
            runs=snakemake.input.runs,
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            matches=snakemake.input.matches,
            test_drugs=snakemake.input.test_drugs,
            counts=snakemake.input.counts,
            exclusions=snakemake.input.exclusions,
            test_folds=snakemake.params.test_folds,
            resamples=snakemake.params.resamples,
            seed=snakemake.params.seed,
            roles=snakemake.params.roles,
            csv=snakemake.output.csv,
            markdown=snakemake.output.markdown,
            latex=snakemake.output.latex,
            verdict=snakemake.output.verdict,
        )
