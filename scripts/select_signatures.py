"""Select the signatures that pass the filters, from only the signature table."""

from pathlib import Path
from typing import Any

from perturbkg import plugins, schemas
from perturbkg.io.scripting import reporting


def main(
    *,
    files: dict[str, str],
    reader: str,
    filters: dict[str, Any],
    selection: str | Path,
    counts: str | Path,
    exclusions: str | Path,
) -> None:
    """Filter the signature table of the plug-in `reader`; write selection, counts and exclusions."""
    source = plugins.create("signatures", reader)
    selected = source.select({key: Path(path) for key, path in files.items()}, filters)
    schemas.write(selected.selection, schemas.Selection, selection)
    schemas.write(selected.counts, schemas.Counts, counts)
    schemas.write(selected.exclusions, schemas.Exclusions, exclusions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "select_signatures"):
        main(
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            filters=snakemake.params.filters,
            selection=snakemake.output.selection,
            counts=snakemake.output.counts,
            exclusions=snakemake.output.exclusions,
        )
