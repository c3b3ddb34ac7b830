"""Lay tidy tables out for readers: grids of rounded text that Markdown, LaTeX and the page share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from perturbkg.metrics import MetricInfo
from perturbkg.report.catalogue import TABLES
from perturbkg.report.summaries import ALPHA

ARROW = {"higher": "↑", "lower": "↓", "closer": "→"}
MISSING = "–"
MINUS = "−"


@dataclass(frozen=True)
class Column:
    """A column: its title, whether it is set as numbers, and what it means."""

    title: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell: what is read, and what it is sorted by (None comes last)."""

    text: str
    order: float | str | None
    bold: bool = False


@dataclass(frozen=True)
class Grid:
    """A table for reading."""

    title: str
    columns: list[Column]
    rows: list[list[Cell]]


def lay_out(
    name: str, frame: pl.DataFrame, *, metrics: dict[str, MetricInfo], headline: Sequence[str]
) -> list[Grid]:
    """Return the grids of a table (columns: `tables.COLUMNS[name]`), one per split where it has splits."""
    shown = [metric for metric in headline if metric in metrics]
    if name in _BY_SPLIT:
        parts = frame.partition_by("split", maintain_order=True)
        return [grid for part in parts for grid in _BY_SPLIT[name](part, metrics, shown)]
    return [_plain(name, frame)] if frame.height else []


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """Write a number with a true minus; a dash where there is none."""
    if value is None:
        return MISSING
    return f"{value:{'+' if sign and value else ''},.{digits}f}".replace("-", MINUS)


def interval(mean: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    """Write a mean with its interval, e.g. `0.329 [0.318, 0.340]`."""
    if mean is None or low is None or high is None:
        return number(mean, sign=sign)
    return f"{number(mean, sign=sign)} [{number(low)}, {number(high)}]"


def probability(value: float | None) -> str:
    """Write a p or q value; below 0.001 it is only said to be so."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def _text(value: str | None) -> Cell:
    return Cell(MISSING if value is None else value, value)


def _count(value: int | None) -> Cell:
    return Cell(number(value, 0), value)


def _probability(value: float | None) -> Cell:
    return Cell(probability(value), value)


def _mean(row: dict[str, Any] | None, mark: str = "", bold: bool = False) -> Cell:
    if row is None:
        return Cell(MISSING, None)
    return Cell(interval(row["mean"], row["low"], row["high"]) + mark, row["mean"], bold)


def _difference(row: dict[str, Any]) -> Cell:
    found = (row["difference"], row["difference_low"], row["difference_high"])
    return Cell(interval(*found, sign=True), row["difference"])


def _metric(name: str, metrics: dict[str, MetricInfo]) -> Column:
    info = metrics[name]
    goal = f"{info.best:g}" if info.better == "closer" else ""
    return Column(f"{name} {ARROW[info.better]}{goal}", True, f"{info.formula}; {info.better} is better")


def _main(part: pl.DataFrame, metrics: dict[str, MetricInfo], headline: list[str]) -> list[Grid]:
    """One row per model, the best of the first headline metric on top."""
    by_key = {(row["model"], row["metric"]): row for row in part.iter_rows(named=True)}
    models = sorted({model for model, _ in by_key})
    shown = [metric for metric in headline if any((model, metric) in by_key for model in models)]

    def merit(model: str) -> tuple[bool, float, str]:
        mean = by_key[model, shown[0]]["mean"] if (model, shown[0]) in by_key else None
        sign = -1 if metrics[shown[0]].better == "higher" else 1
        return (mean is None, sign * (mean or 0.0), model)

    rows = []
    for model in sorted(models, key=merit) if shown else []:
        found = [by_key.get((model, metric)) for metric in shown]
        known = [row for row in found if row is not None]
        cells = [
            _mean(
                row,
                mark=" †" if row and row["q_best"] is not None and row["q_best"] >= ALPHA else "",
                bold=bool(row and row["best"]),
            )
            for row in found
        ]
        undefined = sum(row["undefined"] for row in known)
        rows.append([_text(model), _text(known[0]["kind"]), *cells, _count(undefined)])
    size = part.filter(pl.col("metric").is_in(shown)).select(
        pl.col("parents").max(),
        (pl.col("signatures") + pl.col("undefined")).max(),
        pl.col("folds", "seeds").max(),
    )
    parents, signatures, folds, seeds = size.row(0)
    title = (
        f"Split {part['split'][0]}: {number(signatures, 0)} test signatures of {number(parents, 0)} parent "
        f"molecules, {folds} folds, {seeds} seed{'s' if seeds != 1 else ''}"
    )
    columns = [
        Column("Model"),
        Column("Kind"),
        *(_metric(metric, metrics) for metric in shown),
        Column("Undefined", True, "scores without a value, summed over the metrics shown"),
    ]
    return [Grid(title, columns, rows)]


def _comparisons(part: pl.DataFrame, metrics: dict[str, MetricInfo], headline: list[str]) -> list[Grid]:
    """One row per metric and other model."""
    columns = [
        Column("Metric"),
        Column("Against"),
        Column("Difference", True, "reference minus other"),
        Column("p", True),
        Column("q", True),
        Column("Better"),
        Column("Parents", True),
        Column("Signatures", True),
    ]
    rows = [
        [
            _text(_metric(row["metric"], metrics).title),
            _text(row["other"]),
            _difference(row),
            _probability(row["p"]),
            _probability(row["q"]),
            _text(row["better"]),
            _count(row["paired_parents"]),
            _count(row["paired_signatures"]),
        ]
        for row in _in_order(part, headline).iter_rows(named=True)
    ]
    return [Grid(f"Split {part['split'][0]}: {part['reference'][0]} minus each other model", columns, rows)]


def _ablations(part: pl.DataFrame, metrics: dict[str, MetricInfo], headline: list[str]) -> list[Grid]:
    """One grid per ablated model, one row per metric and ablation."""
    columns = [
        Column("Metric"),
        Column("Ablation"),
        Column("Mean", True),
        Column("Difference", True, "ablated minus untouched"),
        Column("p", True),
        Column("q", True),
        Column("Better"),
        Column("Parents", True),
    ]
    return [
        Grid(
            f"Split {model['split'][0]}: {model['model'][0]} and its ablations",
            columns,
            [
                [
                    _text(_metric(row["metric"], metrics).title),
                    _text("none (untouched)" if row["ablation"] == "none" else row["ablation"]),
                    _mean(row),
                    _difference(row),
                    _probability(row["p"]),
                    _probability(row["q"]),
                    _text("untouched" if row["better"] == "none" else row["better"]),
                    _count(row["parents"]),
                ]
                for row in _in_order(model, headline).iter_rows(named=True)
            ],
        )
        for model in part.partition_by("model", maintain_order=True)
    ]


def _strata(part: pl.DataFrame, metrics: dict[str, MetricInfo], headline: list[str]) -> list[Grid]:
    """One grid per stratum and metric, one row per level, one column per model."""
    titles = {
        "similarity": "Tanimoto similarity to the nearest training drug",
        "target": "Target",
        "activity": "Genes with |delta| ≥ 2",
        "cell": "Cell line",
    }
    grids = []
    for group in part.partition_by("stratum", "metric", maintain_order=True):
        models = sorted(group["model"].unique())
        rows = []
        for level in group.sort("order", maintain_order=True).partition_by("order", maintain_order=True):
            found = {row["model"]: row for row in level.iter_rows(named=True)}
            # A model with undefined scores covers fewer signatures: the fullest says how many there are.
            sizes = [_count(level["signatures"].max()), _count(level["parents"].max())]  # type: ignore[arg-type]
            label = Cell(level["level"][0], float(level["order"][0]))
            rows.append([label, *sizes, *(_mean(found.get(model)) for model in models)])
        columns = [
            Column(titles[group["stratum"][0]]),
            Column("Signatures", True),
            Column("Parents", True),
            *(Column(model, True) for model in models),
        ]
        metric = _metric(group["metric"][0], metrics).title
        grids.append(Grid(f"Split {group['split'][0]}, {metric}", columns, rows))
    return grids


def _folds(part: pl.DataFrame, metrics: dict[str, MetricInfo], headline: list[str]) -> list[Grid]:
    """One row per run."""
    shown = [metric for metric in headline if metric in set(part["metric"])]
    key = ["model", "ablation", "fold", "seed"]
    rows = []
    for run in part.sort(key).partition_by(key, maintain_order=True):
        means = dict(run.select("metric", "mean").iter_rows())
        names = [
            _text(run["model"][0]),
            _text(run["ablation"][0]),
            _count(run["fold"][0]),
            _count(run["seed"][0]),
        ]
        rows.append([*names, *(Cell(number(means.get(metric)), means.get(metric)) for metric in shown)])
    columns = [
        Column("Model"),
        Column("Ablation"),
        Column("Fold", True),
        Column("Seed", True),
        *(_metric(metric, metrics) for metric in shown),
    ]
    return [Grid(f"Split {part['split'][0]}", columns, rows)]


def _in_order(frame: pl.DataFrame, headline: list[str]) -> pl.DataFrame:
    """Put the metrics in the order of the headline; within one, rows stay as they are."""
    place = pl.col("metric").replace_strict(
        {metric: at for at, metric in enumerate(headline)}, default=len(headline)
    )
    return frame.sort(place, maintain_order=True)


def _plain(name: str, frame: pl.DataFrame) -> Grid:
    """Show a table as it is, its numbers rounded."""
    columns, cells = [], []
    for series in frame.iter_columns():
        title = _TITLES.get(series.name, series.name.replace("_", " ").capitalize())
        columns.append(Column(title, series.dtype.is_numeric()))
        if series.dtype == pl.String:
            cells.append([_text(value) for value in series])
        elif series.dtype.is_integer():
            cells.append([_count(value) for value in series])
        else:
            digits = _DIGITS.get(series.name, 1)
            # Counts and shares stand in one column of `notes`: a count needs no decimals.
            whole = [name == "notes" and value is not None and value.is_integer() for value in series]
            cells.append(
                [
                    Cell(number(value, 0 if is_whole else digits), value)
                    for value, is_whole in zip(series, whole, strict=True)
                ]
            )
    return Grid(TABLES[name][0], columns, [list(row) for row in zip(*cells, strict=True)])


_BY_SPLIT: dict[str, Callable[[pl.DataFrame, dict[str, MetricInfo], list[str]], list[Grid]]] = {
    "main": _main,
    "comparisons": _comparisons,
    "ablations": _ablations,
    "strata": _strata,
    "folds": _folds,
}
_TITLES = {
    "seconds_load": "Load, s",
    "seconds_ablate": "Ablate, s",
    "seconds_fit": "Fit, s",
    "seconds_predict": "Predict, s",
    "seconds_total": "All runs, s",
    "peak_memory_mb": "Peak memory, MB",
    "kg_nodes": "Nodes of the graph",
    "row": "Line",
    "present": "With something to encode",
}
_DIGITS = {"minimum": 3, "median": 3, "maximum": 3, "peak_memory_mb": 0, "epochs": 0}
