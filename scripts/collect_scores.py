"""Collect the scores of all runs in one table, and their resources in another."""

from pathlib import Path

from perturbkg import schemas
from perturbkg.io.scripting import reporting
from perturbkg.scoring.collect import collect


def main(
    *, scores: list[str | Path], runs: list[str | Path], all_scores: str | Path, all_runs: str | Path
) -> None:
    """Write scores.parquet and runs.parquet; `scores` and `runs` list the runs in the same order."""
    table, table_of_runs = collect(scores, runs)
    schemas.write(table, schemas.Scores, all_scores)
    schemas.write(table_of_runs, schemas.Runs, all_runs)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "collect_scores"):
        main(
            scores=snakemake.input.scores,
            runs=snakemake.input.runs,
            all_scores=snakemake.output.scores,
            all_runs=snakemake.output.runs,
        )
