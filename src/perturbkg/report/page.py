"""The page of the report: one HTML file that holds everything it shows and asks the network for nothing."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from perturbkg.metrics import MetricInfo
from perturbkg.report.catalogue import FIGURES, TABLES
from perturbkg.report.layout import MINUS, Cell, Column, Grid, number

ROWS = 500  # of a table that the page shows; it names the file that holds them all


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor and title, its figures, its tables, and those that open on a click."""

    anchor: str
    title: str
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()


SECTIONS = (
    Section("main", "Main results", figures=("models_by_split",), tables=("main",)),
    Section("comparisons", TABLES["comparisons"][0], tables=("comparisons",)),
    Section("ablations", "Ablations", figures=("ablation_ladder",), tables=("ablations",), folded=("notes",)),
    Section("strata", "Where it works", figures=("score_by_distance",), folded=("strata",)),
    Section("folds", "Folds and seeds", figures=("folds",), folded=("folds",)),
    Section("examples", "Predictions", figures=("heatmap_predictions",)),
    Section("undefined", "Undefined scores", folded=("undefined",)),
    Section("data", "Data", tables=("counts", "coverage", "matches"), folded=("exclusions",)),
    Section("manifests", "Folds and leakage", tables=("manifests",)),
    Section("resources", "Time and memory", tables=("resources",)),
    Section("metrics", "Metrics", folded=("metrics",)),
)


@dataclass(frozen=True)
class Table:
    """A table of the page: its words, its grids cut to ROWS, and the file that holds the whole of it."""

    title: str
    note: str
    grids: list[Grid]
    rows: int
    file: str | None


@dataclass(frozen=True)
class Figure:
    """A picture of the page as a data URI."""

    title: str
    caption: str
    source: str
    width: int
    height: int


def render(
    *,
    run: Mapping[str, Any],
    verdict: Mapping[str, Any],
    tables: Mapping[str, Table],
    figures: Mapping[str, Figure],
    terms: Sequence[Mapping[str, str]],
) -> str:
    """Return the page. Everything is escaped; only style, script and pictures of this package are not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        run=run,
        config=json.dumps(run["config"], indent=2, ensure_ascii=False),
        verdict=verdict,
        sections=SECTIONS,
        tables=tables,
        figures=figures,
        terms=terms,
        row_limit=ROWS,
    )


def table(name: str, grids: Sequence[Grid]) -> Table:
    """Make a table of the catalogue."""
    title, note = TABLES[name]
    return _table(title, note, grids, f"tables/{name}.csv")


def _table(title: str, note: str, grids: Sequence[Grid], file: str | None = None) -> Table:
    cut = [Grid(grid.title, grid.columns, grid.rows[:ROWS]) for grid in grids]
    return Table(title, note, cut, max((len(grid.rows) for grid in grids), default=0), file)


def figure(name: str, svg: str) -> Figure:
    """Make a figure of the catalogue from the text of its SVG."""
    # As an image and not as inline markup: the ids of several charts in one document would collide.
    sizes = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"', svg)
    if sizes is None:
        raise ValueError(f"{name}: an SVG without a size")
    width, height = (round(float(size)) for size in sizes.groups())
    encoded = base64.b64encode(svg.encode()).decode()
    return Figure(*FIGURES[name], f"data:image/svg+xml;base64,{encoded}", width, height)


def manifest_table(folds: Sequence[Mapping[str, Any]], manifests: Sequence[Mapping[str, Any]]) -> Table:
    """Say what the parts of each fold hold and share; folds name the split and fold of each manifest."""
    columns = [
        Column("Split"),
        Column("Fold", True),
        Column("Train", True, "signatures"),
        Column("Validation", True, "signatures"),
        Column("Test", True, "signatures"),
        Column("Left out", True, "signatures used in no part"),
        Column("Test parents", True, "parent molecules"),
        Column("Parents shared", True, "parent molecules in both training and test"),
        Column("Scaffolds shared", True, "Bemis-Murcko scaffolds in both training and test"),
        Column("Cell lines shared", True, "cell lines in both training and test"),
        Column("Test drugs with target", True),
        Column("Median similarity", True, "Tanimoto similarity of test drugs to their nearest training drug"),
        Column("Highest", True, "Tanimoto similarity of the test drug nearest to training"),
    ]
    rows = []
    for fold, manifest in zip(folds, manifests, strict=True):
        nearest = manifest["test_drugs"]["similarity_quantiles"]
        counts = [
            fold["fold"],
            *(manifest["signatures"][part] for part in ("train", "validation", "test", "left_out")),
            manifest["parents"]["test"],
            *(manifest[f"{kind}s_shared"] for kind in ("parent", "scaffold", "cell")),
            manifest["test_drugs"]["with_target"],
        ]
        rows.append(
            [
                Cell(fold["split"], fold["split"]),
                *(Cell(number(count, 0), count) for count in counts),
                *(Cell(number(nearest[q], 2), nearest[q]) for q in ("0.5", "1.0")),
            ]
        )
    note = (
        "Every fold as it was saved before any model was trained. Shared: in training and in test; for "
        "parents that is so by design in the random split only."
    )
    return _table("Folds and leakage", note, [Grid("Folds and leakage", columns, rows)])


def metric_table(metrics: Mapping[str, MetricInfo], used: set[str]) -> Table:
    """Define the metrics of this run."""
    titles = ("Metric", "Formula", "Range", "Better", "Chance", "Undefined where")
    rows = []
    for name in sorted(used):
        info = metrics[name]
        low, high = (f"{bound:g}".replace("inf", "∞") for bound in info.range)
        better = f"near {info.best:g}" if info.better == "closer" else info.better
        chance = "see formula" if info.chance is None else f"{info.chance:g}"
        texts = (name, info.formula, f"{low} to {high}".replace("-", MINUS), better, chance, info.undefined)
        rows.append([Cell(text, text) for text in texts])
    note = "Of one signature: y is its observed, p its predicted delta profile over the 978 landmark genes."
    return _table("Metrics", note, [Grid("Metrics", [Column(title) for title in titles], rows)])
