"""Read the profiles of the selected signatures with usable drug and cell line, and merge them."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from perturbkg import plugins, schemas
from perturbkg.io.matrices import write_blocks
from perturbkg.io.scratch import Scratch, require_room
from perturbkg.io.scripting import progress, reporting
from perturbkg.signatures._join import join_selection, require_enough
from perturbkg.signatures._merge import plan_merging


def main(
    *,
    selection: str | Path,
    drugs: str | Path,
    cells: str | Path,
    files: dict[str, str],
    reader: str,
    label: str,
    merge: str,
    dose_um: float | None,
    minimum: int,
    signatures: str | Path,
    merged: str | Path,
    counts: str | Path,
    exclusions: str | Path,
) -> None:
    """Read profiles with the plug-in `reader`; write signatures.h5ad and what was merged or removed."""
    source = plugins.create("signatures", reader)
    paths = {key: Path(path) for key, path in files.items()}
    genes = source.genes(paths)
    known = schemas.read(drugs, schemas.Drugs)
    joined = join_selection(
        schemas.read(selection, schemas.Selection), known, schemas.read(cells, schemas.Cells), minimum
    )
    measured = source.measured(paths, joined.selection, label)
    plan = plan_merging(measured.selection, known, merge, dose_um)
    require_enough(plan.signatures, joined.selection, measured.selection, minimum)
    shape, folder = (len(measured.selection), len(genes.entrez)), Path(signatures).parent
    require_room(folder, (len(plan.signatures) + shape[0]) * shape[1] * 4)
    with Scratch(*shape, folder) as scratch, progress(total=shape[0], unit=" signatures") as bar:
        for rows, block in source.profiles(paths, measured.selection, genes, label):
            scratch.put(plan.place[rows], block)
            bar.update(len(rows))
        write_blocks(plan.reduced(scratch), plan.signatures, pl.DataFrame(asdict(genes)), signatures)
    schemas.write(plan.members, schemas.MergedSignatures, merged)
    schemas.write(pl.concat([joined.counts, measured.counts, plan.counts]), schemas.Counts, counts)
    schemas.write(pl.concat([joined.exclusions, measured.exclusions]), schemas.Exclusions, exclusions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "read_signatures"):
        main(
            selection=snakemake.input.selection,
            drugs=snakemake.input.drugs,
            cells=snakemake.input.cells,
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            label=snakemake.params.label,
            merge=snakemake.params.merge,
            dose_um=snakemake.params.dose_um,
            minimum=snakemake.params.minimum,
            signatures=snakemake.output.signatures,
            merged=snakemake.output.merged,
            counts=snakemake.output.counts,
            exclusions=snakemake.output.exclusions,
        )
