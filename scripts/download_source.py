"""Fetch one source of the catalogue, verified, and write its receipt."""

from pathlib import Path

from perturbkg.io.scripting import reporting
from perturbkg.sources.catalogue import find, read_catalogue
from perturbkg.sources.fetch import fetch
from perturbkg.sources.web import DownloadOptions


def main(
    *, source: str, catalogue: str | Path | None, folder: str | Path, lock: str | Path, **options: float
) -> None:
    """Fetch the source into `folder` unless it is there; `options` are the fields of DownloadOptions."""
    fetch(find(read_catalogue(catalogue), source), folder, lock, DownloadOptions(**options))


if "snakemake" in globals():
    with reporting(snakemake.log[0], "download_source"):
        main(source=snakemake.wildcards.source, **snakemake.config["downloads"])
