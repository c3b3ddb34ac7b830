"""What the figures share: colours, marks, panels and one style; saving as SVG and PNG.

Colours are those of Okabe and Ito, which most colour-blind readers can tell apart; shapes repeat them.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from perturbkg.io.files import write_text, written_beside
from perturbkg.metrics import value_infos
from perturbkg.report.estimates import badness
from perturbkg.report.figures import Figure, Material
from perturbkg.report.grid import number

INK, FAINT = "#222222", "#6f6f6f"
COLOURS = ["#D55E00", "#0072B2", "#009E73", "#767676", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
SHAPES = [
    "square",
    "circle",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-left",
    "triangle-right",
]
WIDTH, PANELS = 270, 3  # pixels of a panel, panels beside each other
ZOOM = alt.Scale(zero=False, nice=True, padding=8)


def points_with_intervals(y: alt.Y, score: str, style: dict[str, Any]) -> list[alt.Chart]:
    """Return a line from low to high, a point on the mean, and a word where there is no mean."""
    known = alt.Chart().transform_filter("datum.mean !== null")
    missing = alt.Chart().transform_filter("datum.mean === null")
    return [
        known.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=score, scale=ZOOM), x2="high:Q", y=y, color=style["color"]
        ),
        known.mark_point(filled=True, size=80, opacity=1).encode(
            x=alt.X("mean:Q", title=score), y=y, **style
        ),
        missing.mark_text(align="left", fontStyle="italic", color=FAINT).encode(
            x=alt.value(6), y=y, text=alt.value("undefined")
        ),
    ]


def styled(field: str, domain: Sequence[str], at: Sequence[int], title: str | None = None) -> dict[str, Any]:
    """Return colour and shape channels that share one legend; no two of 64 places look the same."""
    colours = [COLOURS[place % len(COLOURS)] for place in at]
    shapes = [SHAPES[(place + place // len(COLOURS)) % len(SHAPES)] for place in at]
    return {
        "color": alt.Color(f"{field}:N", title=title, scale=alt.Scale(domain=list(domain), range=colours)),
        "shape": alt.Shape(f"{field}:N", title=title, scale=alt.Scale(domain=list(domain), range=shapes)),
    }


def axis_title(metric: str) -> str:
    """Title the axis of a metric."""
    info = value_infos()[metric]
    better = f"nearer to {info.best:g}" if info.better == "closer" else info.better
    return f"mean {metric} ({better} is better)"


def best_first(frame: pl.DataFrame, column: str, metric: str) -> list[str]:
    """Order names by their mean over splits, the best first, the undefined last."""
    means = frame.group_by(column).agg(pl.col("mean").mean())
    return means.sort(badness(metric), column, nulls_last=True)[column].to_list()


def with_panels(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the panel of each row: its split, and how many signatures and parents its means rest on."""
    sizes = frame.group_by("split").agg(pl.col("parents", "signatures").max())
    names = {
        split: f"{split} (n = {number(signatures, 0)}, {number(parents, 0)} parents)"
        for split, parents, signatures in sizes.iter_rows()
    }
    return frame.with_columns(panel=pl.col("split").replace_strict(names, return_dtype=pl.String))


def facet(layers: Sequence[alt.Chart], data: pl.DataFrame, height: int, width: int = WIDTH) -> alt.FacetChart:
    """Repeat layers for each panel of the data, in the order of the splits."""
    panels = data["panel"].unique(maintain_order=True).to_list()
    width = width * 3 // 2 if len(panels) == 1 else width
    chart = alt.LayerChart(layer=list(layers), width=width, height=height)
    return chart.facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=PANELS, data=data)


def chart_of(figure: Figure, material: Material) -> alt.TopLevelMixin:
    """Draw a figure of the report."""
    drawing = figure.draw(material)
    return page(drawing.charts or [_nothing()], figure.title, drawing.subtitle)


def page(charts: Sequence[alt.Chart | alt.FacetChart], title: str, subtitle: str) -> alt.TopLevelMixin:
    """Put charts under each other, with a title and the one style."""
    heading = alt.TitleParams(title, subtitle=subtitle, anchor="start", offset=14)
    font = "Liberation Sans, Arial, Helvetica, sans-serif"
    return (
        alt.vconcat(*charts, spacing=24, title=heading)
        .configure(font=font, background="white", padding=12)
        .configure_title(fontSize=17, subtitleFontSize=12, color=INK, subtitleColor=FAINT, subtitlePadding=5)
        .configure_header(labelFontSize=12, labelFontWeight="bold", labelColor=INK)
        .configure_axis(
            labelFontSize=11,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=INK,
            gridColor="#e6e6e6",
            domainColor=FAINT,
            tickColor=FAINT,
            labelLimit=220,
            labelFlush=False,
            tickCount=5,
        )
        .configure_legend(
            labelFontSize=11,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=INK,
            orient="top",
            symbolSize=80,
        )
        .configure_view(stroke="#d0d0d0")
        .configure_facet(spacing=36)
    )


def _nothing() -> alt.Chart:
    """Return a panel that says that it is empty."""
    text = alt.Chart(pl.DataFrame({"text": ["Nothing to draw"]})).mark_text(color=FAINT, fontSize=13)
    return text.encode(text="text:N").properties(width=WIDTH * 3 // 2, height=60)


def save(chart: alt.TopLevelMixin, svg: str | Path, png: str | Path) -> None:
    """Write a chart as SVG and, drawn from that, as PNG at twice its size."""
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    text = _renumbered(drawn.getvalue())
    write_text(text, svg)
    with written_beside(png) as temporary:
        temporary.write_bytes(vl_convert.svg_to_png(text, scale=2))


def _renumbered(svg: str) -> str:
    """Count the ids of an SVG from 0: Vega counts them over all charts that a process has drawn."""
    seen: dict[str, str] = {}
    return re.sub(r"\b(gradient_|clip)\d+", lambda id: seen.setdefault(id[0], f"{id[1]}{len(seen)}"), svg)
