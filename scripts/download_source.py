"""Fetch one source of the catalogue, verified, and write its receipt."""

from pathlib import Path
from typing import Any

from perturbkg.io.scripting import reporting
from perturbkg.sources.catalogue import find, read_catalogue
from perturbkg.sources.fetch import fetch
from perturbkg.sources.web import DownloadOptions


def main(
    *,
    source: str,
    catalogue: str | Path | None,
    folder: str | Path,
    lock: str | Path,
    options: dict[str, Any],
    receipt: str | Path,
) -> None:
    """Bring the source into its place in `folder` unless it is there; only its receipt is an output."""
    chosen = find(read_catalogue(catalogue), source)
    fetch(chosen, folder, lock, DownloadOptions(**options)).write(receipt)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "download_source"):
        main(
            source=snakemake.params.source,
            catalogue=snakemake.params.catalogue,
            folder=snakemake.params.folder,
            lock=snakemake.params.lock,
            options=snakemake.params.options,
            receipt=snakemake.output.receipt,
        )
