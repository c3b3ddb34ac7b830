"""Read the profiles of the selected signatures whose drug and cell line are usable."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from perturbkg import plugins, schemas
from perturbkg.io.matrices import write_blocks
from perturbkg.io.scratch import Scratch
from perturbkg.io.scripting import reporting
from perturbkg.signatures._join import join_selection


def main(
    *,
    selection: str | Path,
    drugs: str | Path,
    cells: str | Path,
    files: dict[str, str],
    reader: str,
    minimum: int,
    signatures: str | Path,
    counts: str | Path,
    exclusions: str | Path,
) -> None:
    """Read profiles with the plug-in `reader`; write signatures.h5ad and what was removed."""
    source = plugins.create("signatures", reader)
    paths = {key: Path(path) for key, path in files.items()}
    genes = source.genes(paths)
    joined = join_selection(
        schemas.read(selection, schemas.Selection),
        schemas.read(drugs, schemas.Drugs),
        schemas.read(cells, schemas.Cells),
        minimum,
    )
    with Scratch(len(joined.selection), len(genes.entrez), Path(signatures).parent) as scratch:
        for rows, block in source.profiles(paths, joined.selection, genes, "level5"):
            scratch.put(rows, block)
        write_blocks(scratch.blocks(), joined.selection, pl.DataFrame(asdict(genes)), signatures)
    schemas.write(joined.counts, schemas.Counts, counts)
    schemas.write(joined.exclusions, schemas.Exclusions, exclusions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "read_signatures"):
        main(
            selection=snakemake.input.selection,
            drugs=snakemake.input.drugs,
            cells=snakemake.input.cells,
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            minimum=snakemake.params.minimum,
            signatures=snakemake.output.signatures,
            counts=snakemake.output.counts,
            exclusions=snakemake.output.exclusions,
        )
