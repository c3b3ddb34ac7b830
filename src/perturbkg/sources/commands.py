"""The command `perturbkg sources`: list, check and fetch what the catalogue names."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perturbkg.errors import InputError
from perturbkg.io.scripting import progress
from perturbkg.sources.catalogue import find, human_size, read_catalogue
from perturbkg.sources.check import USABLE, check
from perturbkg.sources.fetch import fetch

app = typer.Typer(
    no_args_is_help=True,
    help="The files that PerturbKG reads: list, check and fetch them.",
    add_completion=False,
)
Catalogue = Annotated[
    Path | None,
    typer.Option(help="A catalogue of your own: its entries replace entries of the same name, or are added."),
]
HEADINGS = ("name", "version", "size", "checksum", "licence", "about")


@app.command("list")
def list_sources(catalogue: Catalogue = None) -> None:
    """List every source: version, size, where its checksum comes from, licence, what it is."""
    sources = read_catalogue(catalogue).values()
    _print_rows(
        HEADINGS,
        [
            (each.name, each.version, each.size, each.verified_by, each.publisher.licence, each.about)
            for each in sources
        ],
        right=("size",),
    )
    sizes = [each.bytes for each in sources if each.bytes is not None]
    unknown = len(sources) - len(sizes)
    print(
        f"{len(sources)} sources; {human_size(sum(sizes))} in {len(sizes)} of them"
        + (f", the size of {unknown} is not known for certain" if unknown else "")
    )


@app.command("check")
def check_sources(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sources; all if not given.")] = None,
    catalogue: Catalogue = None,
) -> None:
    """Check every address without downloading; exit with status 1 if one of them does not serve its file."""
    sources = read_catalogue(catalogue)
    chosen = [find(sources, name) for name in names or sources]
    states = list(progress(check(chosen), desc="checking", unit=" addresses"))
    _print_rows(
        ("name", "state", "size", "address", "detail"),
        [
            (each.name, each.state, human_size(each.bytes) if each.bytes else "", each.url, each.detail)
            for each in states
        ],
        right=("size",),
    )
    if any(each.state not in USABLE for each in states):
        raise typer.Exit(1)


@app.command("fetch")
def fetch_sources(
    names: Annotated[list[str], typer.Argument(help="Names of sources.")],
    folder: Annotated[Path, typer.Option(help="Where they go.")] = Path("resources/downloads"),
    lock: Annotated[Path, typer.Option(help="The digests first seen.")] = Path("config/sources.lock.json"),
    catalogue: Catalogue = None,
) -> None:
    """Download and verify sources; resume interrupted downloads, and verify files that are already there."""
    sources = read_catalogue(catalogue)
    failed = False
    for source in [find(sources, name) for name in names]:
        try:
            receipt = fetch(source, folder, lock)
        except InputError as error:  # the others may still arrive
            print(f"error: {error}", file=sys.stderr)
            failed = True
        else:
            size = human_size(receipt.content.bytes)
            print(f"{source.path(folder)}: {size}, {receipt.origin}, verified by: {receipt.verified}")
    if failed:
        raise typer.Exit(1)


def _print_rows(headings: tuple[str, ...], rows: list[tuple[str, ...]], right: tuple[str, ...] = ()) -> None:
    """Print a table on a terminal, and uncut tab-separated lines elsewhere."""
    console = Console()
    if not console.is_terminal:
        for row in (headings, *rows):
            print("\t".join(row))
        return
    table = Table()
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
