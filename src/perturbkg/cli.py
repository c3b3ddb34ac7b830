"""The command `perturbkg`: score predictions from elsewhere, list the plug-ins, fetch the sources."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import typer
import yaml
from rich.console import Console
from rich.table import Table

from perturbkg import extras, plugins, schemas
from perturbkg.config import OPTIONS
from perturbkg.errors import InputError
from perturbkg.scoring.bootstrap import clustered_interval
from perturbkg.scoring.match import read_evaluation
from perturbkg.scoring.score import metric_infos
from perturbkg.scoring.score import score as compute_scores
from perturbkg.sources import commands as sources

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(sources.app, name="sources")


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
        print(f"perturbkg {version('perturbkg')}")
        raise typer.Exit


@app.callback()
def perturbkg(
    wanted: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Does a knowledge graph help predict how drugs change gene expression? Scores, plug-ins, sources."""


@app.command()
def score(
    *,
    truth: Annotated[
        Path, typer.Option(help="AnnData of observed deltas; obs: signature (index), cell, parent.")
    ],
    prediction: Annotated[
        Path, typer.Option(help="AnnData of predicted deltas of the same signatures and genes.")
    ],
    training_means: Annotated[
        Path | None,
        typer.Option(help="AnnData of mean training profiles; obs: cell (index). Centred metrics need it."),
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option(help="A metric file; repeat for more. All if not given.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write every value to this Parquet file.")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples of the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Score predictions from elsewhere: mean and 95 % interval of each metric.

    Rows and columns are matched by name. Signatures are averaged within the column `parent` of the truth's
    obs (the parent molecule of the drug) where there is one, before parents are resampled.
    """
    chosen = metrics or plugins.names("metrics")
    for name in chosen:
        plugins.source("metrics", name)
    evaluation, obs = read_evaluation(truth, prediction, means=training_means)
    values = compute_scores(obs.to_series(0), evaluation, chosen)
    if output is not None:
        schemas.write(values, schemas.MetricValues, output)
    _print_summary(values, obs, chosen, resamples, seed)


def _print_summary(
    values: pl.DataFrame, obs: pl.DataFrame, metrics: list[str], resamples: int, seed: int
) -> None:
    """Print one line for each metric."""
    by_parent = "parent" in obs.columns
    if by_parent and obs["parent"].null_count():
        missing = obs.filter(pl.col("parent").is_null()).to_series(0)
        raise InputError(f"truth: signature {missing[0]!r} has no parent; fill or remove the column `parent`")
    clusters = (obs["parent"] if by_parent else obs.to_series(0)).to_numpy()
    table = Table(
        caption=f"{len(obs)} signatures; 95 % interval over {'parents' if by_parent else 'signatures'}"
    )
    for heading in ("metric", "mean", "95 % interval", "best", "chance", "defined"):
        table.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    undefined = []
    for name, info in metric_infos(metrics).items():
        value = values.filter(pl.col("metric") == name)["value"].to_numpy()
        interval = clustered_interval(value, clusters, resamples=resamples, rng=np.random.default_rng(seed))
        table.add_row(
            name,
            _number(interval.mean),
            f"{_number(interval.low)} to {_number(interval.high)}",
            f"{info.best:g}",
            "" if info.chance is None else f"{info.chance:.3g}",
            str(interval.values),
        )
        if interval.dropped:
            undefined.append(f"{name}: undefined for {interval.dropped} signatures ({info.undefined})")
    Console().print(table)
    for line in undefined:
        print(line)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


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
