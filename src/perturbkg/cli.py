"""The command `perturbkg`: score predictions, list and start plug-ins, fetch the sources."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from perturbkg import __version__, extras, plugins
from perturbkg.errors import InputError
from perturbkg.scoring.commands import score
from perturbkg.skeletons import next_steps, write_skeleton
from perturbkg.sources import commands as sources

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(sources.app, name="sources")
app.command()(score)


def main() -> None:
    """Run the command; a bad input is one line on standard error and status 1."""
    try:
        with extras.explained():
            app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"perturbkg {__version__}")
        raise typer.Exit


@app.callback()
def perturbkg(
    wanted: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Does a knowledge graph help predict how drugs change gene expression? Scores, plug-ins, sources."""


@app.command("plugins")
def list_plugins(
    kind: Annotated[str | None, typer.Argument(help=f"One of {', '.join(plugins.BASE_CLASS)}.")] = None,
    name: Annotated[str | None, typer.Argument(help="A plug-in of this kind: prints its options.")] = None,
) -> None:
    """List the plug-ins, which the config may name; with a name, its options, defaults and meanings."""
    if kind is not None and name is not None:
        _print_plugin(plugins.known_kind(kind), name)
        return
    for each in [plugins.known_kind(kind)] if kind else list(plugins.BASE_CLASS):
        print(each)
        for known in plugins.names(each):
            print(f"  {known:<20} {plugins.summaries(each, known)[0]}".rstrip())


def _print_plugin(kind: str, name: str) -> None:
    """Print what a plug-in is, where its file is, and its options."""
    options = plugins.described(kind, name)
    print(*plugins.summaries(kind, name), f"File: {plugins.source(kind, name)}", sep="\n")
    for constant in ("files", "optional_files"):
        for file, what in plugins.constant_or(kind, name, constant, {}).items():
            print(f"Set `files: {{{file}: path}}`{' if there is one' if constant != 'files' else ''}: {what}")
    key = next((key for key, of in plugins.OPTIONS.items() if of == kind), None)
    if not options:
        print("It has no options.")
        return
    print(f"Options, set in the config under `{key}: {{{name}: {{...}}}}`:" if key else "Options:")
    for option in options.values():
        default = yaml.safe_dump(option.setting, default_flow_style=True, width=10_000).removesuffix("...\n")
        print(f"  {option.name}: {default.strip()}")
        print(f"      {option.values}. {option.meaning}".rstrip())


@app.command("new")
def new_plugin(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(plugins.BASE_CLASS)}.")],
    name: Annotated[str, typer.Argument(help="Name of the file, and in the config.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write into; the checkout's own if not given.")
    ] = None,
) -> None:
    """Start a plug-in: write a commented file that already meets the contract of its kind."""
    kind = plugins.known_kind(kind)
    for path in write_skeleton(kind, name, out):
        print(f"wrote {path}")
    for number, step in enumerate(next_steps(kind, name, out), start=1):
        print(f"{number}. {step}")


if __name__ == "__main__":
    main()
