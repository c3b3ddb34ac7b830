"""The page of the report: one HTML file that holds everything it shows and asks the network for nothing."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from perturbkg.report import registry
from perturbkg.report.export import read_layout
from perturbkg.report.grid import Grid

ROWS = 500  # of a table that the page shows; it names the file that holds them all

# Anchor -> title, in the order of the page. A table or figure names its section by the anchor.
SECTIONS = {
    "main": "Main results",
    "comparisons": "Reference against every other model",
    "ablations": "Ablations",
    "strata": "Where it works",
    "learning": "Learning curves",
    "uncertainty": "Expected errors",
    "folds": "Folds and seeds",
    "examples": "Predictions",
    "undefined": "Undefined scores",
    "data": "Data",
    "leakage": "Folds and leakage",
    "resources": "Time and memory",
    "metrics": "Metrics",
}
OPTIONAL = {"learning", "uncertainty"}  # left out where their tables are empty


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor and title, its figures, its tables, and those that open on a click."""

    anchor: str
    title: str
    figures: tuple[str, ...]
    tables: tuple[str, ...]
    folded: tuple[str, ...]


def sections() -> list[Section]:
    """Put every table and figure into the section that it names; raise KeyError for one that names none."""
    held: dict[str, dict[str, list[str]]] = {
        anchor: {"figures": [], "tables": [], "folded": []} for anchor in SECTIONS
    }
    for name in registry.names("figures"):
        held[registry.load("figures", name).section]["figures"].append(name)
    for name in registry.names("tables"):
        table = registry.load("tables", name)
        held[table.section]["folded" if table.folded else "tables"].append(name)
    return [
        Section(anchor, title, **{kind: tuple(names) for kind, names in held[anchor].items()})
        for anchor, title in SECTIONS.items()
    ]


@dataclass(frozen=True)
class Table:
    """A table of the page: its words, its grids cut to ROWS, and the file that holds the whole of it."""

    title: str
    note: str
    grids: list[Grid]
    rows: int
    file: str


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
        sections=[
            section
            for section in sections()
            if section.anchor not in OPTIONAL or any(tables[name].rows for name in section.tables)
        ],
        tables=tables,
        figures=figures,
        terms=terms,
        row_limit=ROWS,
    )


def table(name: str, layout: str | Path) -> Table:
    """Make a table of the page from what `export.write_table` laid out."""
    title, note, grids = read_layout(layout)
    cut = [Grid(grid.title, grid.columns, grid.rows[:ROWS]) for grid in grids]
    return Table(title, note, cut, max((len(grid.rows) for grid in grids), default=0), f"tables/{name}.csv")


def figure(name: str, svg: str) -> Figure:
    """Make a figure of the page from the text of its SVG."""
    # As an image and not as inline markup: the ids of several charts in one document would collide.
    sizes = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"', svg)
    if sizes is None:
        raise ValueError(f"{name}: an SVG without a size")
    width, height = (round(float(size)) for size in sizes.groups())
    encoded = base64.b64encode(svg.encode()).decode()
    drawn = registry.load("figures", name)
    return Figure(drawn.title, drawn.caption, f"data:image/svg+xml;base64,{encoded}", width, height)
