"""Read the cell lines that have a baseline, and their baseline expression on the landmark genes."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from perturbkg import plugins, schemas
from perturbkg.baselines._join import join_baseline
from perturbkg.io.matrices import write_matrix
from perturbkg.io.scripting import reporting


def main(
    *,
    files: dict[str, str],
    reader: str,
    baseline_reader: str,
    cells: str | Path,
    baseline: str | Path,
    counts: str | Path,
    exclusions: str | Path,
) -> None:
    """Read cell lines and baselines with two plug-ins; write table, matrix, counts and exclusions."""
    source = plugins.create("signatures", reader)
    paths = {key: Path(path) for key, path in files.items()}
    genes = source.genes(paths)
    measured = plugins.create("baselines", baseline_reader).read(paths, genes)
    lines = join_baseline(source.cell_lines(paths), measured)
    schemas.write(lines.cells, schemas.Cells, cells)
    write_matrix(lines.baseline, lines.cells.select("cell"), pl.DataFrame(asdict(genes)), baseline)
    schemas.write(lines.counts, schemas.Counts, counts)
    schemas.write(lines.exclusions, schemas.Exclusions, exclusions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "prepare_cells"):
        main(
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            baseline_reader=snakemake.params.baseline_reader,
            cells=snakemake.output.cells,
            baseline=snakemake.output.baseline,
            counts=snakemake.output.counts,
            exclusions=snakemake.output.exclusions,
        )
