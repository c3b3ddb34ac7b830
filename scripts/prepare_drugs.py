"""Standardise the selected drugs and match them to the drug nodes of the knowledge graph."""

from pathlib import Path

import polars as pl

from perturbkg import plugins, schemas
from perturbkg.drugs.prepare import prepare
from perturbkg.io.scripting import reporting


def main(
    *,
    selection: str | Path,
    nodes: str | Path,
    descriptions: str | Path,
    files: dict[str, str],
    reader: str,
    drugs: str | Path,
    matches: str | Path,
    library: str | Path,
    counts: str | Path,
    exclusions: str | Path,
    threads: int = 1,
) -> None:
    """Read compounds with the plug-in `reader`; write drugs, matches, library, counts and exclusions."""
    paths = {key: Path(path) for key, path in files.items()}
    compounds = plugins.create("signatures", reader).compounds(paths)
    used = schemas.read(selection, schemas.Selection)["drug"]
    prepared = prepare(
        compounds.table,
        used,
        schemas.read(nodes, schemas.Nodes),
        paths,
        descriptions=schemas.read(descriptions, schemas.Descriptions),
        withheld=compounds.withheld,
        threads=threads,
    )
    schemas.write(prepared.drugs, schemas.Drugs, drugs)
    schemas.write(prepared.matches, schemas.Matches, matches)
    schemas.write(prepared.library, schemas.Library, library)
    schemas.write(prepared.counts, schemas.Counts, counts)
    schemas.write(pl.concat([prepared.exclusions, compounds.exclusions]), schemas.Exclusions, exclusions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "prepare_drugs"):
        main(
            selection=snakemake.input.selection,
            nodes=snakemake.input.nodes,
            descriptions=snakemake.input.descriptions,
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            drugs=snakemake.output.drugs,
            matches=snakemake.output.matches,
            library=snakemake.output.library,
            counts=snakemake.output.counts,
            exclusions=snakemake.output.exclusions,
            threads=snakemake.threads,
        )
