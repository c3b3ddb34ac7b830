"""Collect the targets of each drug: those that are known of it, and of what it resembles."""

from pathlib import Path

import polars as pl

from perturbkg import schemas
from perturbkg.drugs.targets import known_targets, similar_targets
from perturbkg.io.scripting import reporting


def main(
    *,
    drugs: str | Path,
    library: str | Path,
    nodes: str | Path,
    edges: str | Path,
    impute: bool,
    targets: str | Path,
    counts: str | Path,
) -> None:
    """Write schemas.Targets and schemas.Counts; `impute` says whether similar molecules count."""
    tables = (
        schemas.read(drugs, schemas.Drugs),
        schemas.read(library, schemas.Library),
        schemas.read(nodes, schemas.Nodes),
        schemas.read(edges, schemas.Edges),
    )
    found = [known_targets(*tables)] + ([similar_targets(*tables)] if impute else [])
    for parts, schema, path in zip(
        zip(*found, strict=True), (schemas.Targets, schemas.Counts), (targets, counts), strict=True
    ):
        schemas.write(pl.concat(parts), schema, path)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "impute_targets"):
        main(
            drugs=snakemake.input.drugs,
            library=snakemake.input.library,
            nodes=snakemake.input.nodes,
            edges=snakemake.input.edges,
            impute=snakemake.params.impute,
            targets=snakemake.output.targets,
            counts=snakemake.output.counts,
        )
