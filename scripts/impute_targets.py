"""Collect the targets of each drug: those that are known of it, and of what it resembles."""

from pathlib import Path

from perturbkg import schemas
from perturbkg.drugs.targets import known_targets
from perturbkg.io.scripting import reporting


def main(
    *,
    drugs: str | Path,
    library: str | Path,
    nodes: str | Path,
    edges: str | Path,
    targets: str | Path,
    counts: str | Path,
) -> None:
    """Write schemas.Targets and schemas.Counts."""
    found, tally = known_targets(
        schemas.read(drugs, schemas.Drugs),
        schemas.read(library, schemas.Library),
        schemas.read(nodes, schemas.Nodes),
        schemas.read(edges, schemas.Edges),
    )
    schemas.write(found, schemas.Targets, targets)
    schemas.write(tally, schemas.Counts, counts)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "impute_targets"):
        main(
            drugs=snakemake.input.drugs,
            library=snakemake.input.library,
            nodes=snakemake.input.nodes,
            edges=snakemake.input.edges,
            targets=snakemake.output.targets,
            counts=snakemake.output.counts,
        )
