"""The command `perturbkg`: score predictions, list the plug-ins, fetch the sources."""

import sys
from typing import Annotated

import typer
import yaml

from perturbkg import __version__, extras, plugins
from perturbkg.config import OPTIONS
from perturbkg.errors import InputError
from perturbkg.scoring.commands import score
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
    key = next((key for key, of in OPTIONS.items() if of == kind), None)
    if not options:
        print("It has no options.")
        return
    print(f"Options, set in the config under `{key}: {{{name}: {{...}}}}`:" if key else "Options:")
    for option in options.values():
        default = yaml.safe_dump(option.setting, default_flow_style=True, width=10_000).removesuffix("...\n")
        print(f"  {option.name}: {default.strip()}")
        print(f"      {option.values}. {option.meaning}".rstrip())


if __name__ == "__main__":
    main()
