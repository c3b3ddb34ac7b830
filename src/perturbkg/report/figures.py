"""Figures of the report: reads its tables and a few predictions, makes Altair charts, saves SVG and PNG.

Colours are those of Okabe and Ito, which all common forms of colour vision tell apart; shapes repeat them.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from scipy.cluster.hierarchy import leaves_list, linkage

from perturbkg.io.files import write_text, written_beside
from perturbkg.metrics import MetricInfo
from perturbkg.report.catalogue import FIGURES, Roles
from perturbkg.report.layout import number
from perturbkg.report.profiles import Examples

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
SECOND = "pearson_centred"  # drawn under the first headline metric: what is left without the cell line's mean
HEAT_GENES = 120


def models_by_split(
    main: pl.DataFrame, metrics: dict[str, MetricInfo], headline: Sequence[str]
) -> alt.TopLevelMixin:
    """Draw every model's mean and interval: a panel per split, a row of panels per metric."""
    order = _by_merit(main.filter(metric=headline[0]), "model", metrics[headline[0]])
    rows = []
    for metric in _two(headline, main):
        y = alt.Y("model:N", sort=order, title=None)
        style = _style("kind", ["reference", "model", "control"], [0, 1, 3])
        layers = _points_with_intervals(y, _score(metric, metrics), style)
        rows.append(_facet(layers, _with_panels(main.filter(metric=metric)), 22 * len(order)))
    return _figure(
        "models_by_split", rows, "Points: means over parent molecules; lines: 95 % bootstrap intervals"
    )


def ablation_ladder(
    main: pl.DataFrame,
    ablations: pl.DataFrame,
    metrics: dict[str, MetricInfo],
    headline: Sequence[str],
    roles: Roles,
) -> alt.TopLevelMixin:
    """Draw each ablation of the reference model; dashed lines prolong the means of models without a graph."""
    ladder = ablations.filter(model=roles.reference)
    ablated = ladder.filter(pl.col("ablation") != "none", metric=headline[0])
    others = set(main["model"]) - {roles.reference}
    without = [model for model in (roles.graph_free, roles.no_drug) if model in others]
    order = [roles.reference, *_by_merit(ablated, "ablation", metrics[headline[0]]), *without]
    parts = ["untouched", "ablated", "no graph"]
    untouched = pl.col("ablation") == "none"
    steps = ladder.with_columns(
        name=pl.when(untouched).then("model").otherwise("ablation"),
        part=pl.when(untouched).then(pl.lit(parts[0])).otherwise(pl.lit(parts[1])),
    )
    marks = main.filter(pl.col("model").is_in(without)).with_columns(name="model", part=pl.lit(parts[2]))
    columns = ["split", "metric", "mean", "low", "high", "parents", "signatures", "name", "part"]
    data = pl.concat([steps.select(columns), marks.select(columns)])
    rows = []
    for metric in _two(headline, ladder):
        score = _score(metric, metrics)
        line = alt.Chart().mark_rule(strokeDash=[4, 4], color=COLOURS[3], opacity=0.8)
        layers = [
            line.encode(x=alt.X("mean:Q", title=score)).transform_filter(
                f"datum.part === '{parts[2]}' && datum.mean !== null"
            ),
            *_points_with_intervals(
                alt.Y("name:N", sort=order, title=None), score, _style("part", parts, [0, 1, 3])
            ),
        ]
        rows.append(_facet(layers, _with_panels(data.filter(metric=metric)), 26 * len(order)))
    subtitle = (
        f"{roles.reference} retrained without one thing; dashed: without a graph; lines: 95 % intervals"
    )
    return _figure("ablation_ladder", rows, subtitle)


def score_by_distance(
    strata: pl.DataFrame, metrics: dict[str, MetricInfo], headline: Sequence[str], roles: Roles
) -> alt.TopLevelMixin:
    """Draw binned means with intervals against the similarity to the nearest training drug."""
    parts = (roles.reference, roles.diffusion, roles.graph_free, roles.no_drug, roles.neighbours)
    wanted = list(dict.fromkeys(parts))  # one model may play two parts
    binned = strata.filter(pl.col("model").is_in(wanted), stratum="similarity")
    models = [model for model in wanted if model in set(binned["model"])]
    levels = binned.select("order", "level").unique().sort("order")["level"].to_list()
    rows = []
    for metric in _two(headline, binned):
        # Of models with undefined scores the fullest says how many signatures a bin holds.
        size = pl.col("signatures").max().over("split", "level")
        data = binned.filter(metric=metric).with_columns(panel="split", n=size)
        x = alt.X(
            "level:O",
            sort=levels,
            title="Tanimoto similarity of the drug to its nearest training drug",
            axis=alt.Axis(labelAngle=0, labelOverlap=False),
        )
        score, style = (
            _score(metric, metrics),
            _style("model", models, [wanted.index(model) for model in models]),
        )
        base = alt.Chart().encode(x=x, xOffset=alt.XOffset("model:N", sort=models), color=style["color"])
        number_of = alt.Chart().mark_text(baseline="bottom", fontSize=10, color=FAINT)
        layers = [
            base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", title=score, scale=_ZOOM), y2="high:Q"),
            base.mark_point(filled=True, size=45, opacity=1).encode(
                y=alt.Y("mean:Q", title=score), shape=style["shape"]
            ),
            number_of.encode(x=x, y=alt.value(-2), text="n:Q").transform_filter(
                f"datum.model === '{models[0]}'"
            ),
        ]
        rows.append(_facet(layers, data, 190, width=max(WIDTH, 46 * len(levels))))
    return _figure(
        "score_by_distance",
        rows,
        "Points: means; lines: 95 % intervals (none for a single parent); above: test signatures of a bin",
    )


def folds_by_model(
    folds: pl.DataFrame, metrics: dict[str, MetricInfo], headline: Sequence[str]
) -> alt.TopLevelMixin:
    """Draw each single run of the untouched models."""
    data = folds.filter(pl.col("mean").is_not_null(), ablation="none", metric=headline[0])
    order = _by_merit(data, "model", metrics[headline[0]])
    numbers = [str(fold) for fold in sorted(data["fold"].unique())]
    style = _style("fold", numbers, [at % len(COLOURS) for at in range(len(numbers))], title="Fold")
    data = data.select("split", "model", "mean", panel="split", fold=pl.col("fold").cast(pl.String))
    points = (
        alt.Chart()
        .mark_point(filled=True, size=55, opacity=0.85)
        .encode(
            x=alt.X("mean:Q", title=_score(headline[0], metrics), scale=_ZOOM),
            y=alt.Y("model:N", sort=order, title=None),
            yOffset=alt.YOffset("fold:N", sort=numbers),
            **style,
        )
    )
    seeds = folds["seed"].n_unique()
    subtitle = f"One point per run: {len(numbers)} folds, {seeds} seed{'s' if seeds > 1 else ''}"
    return _figure("folds", [_facet([points], data, 30 * len(order))], subtitle)


def heatmap_predictions(examples: Examples) -> alt.TopLevelMixin:
    """Draw observed above predicted profiles on the genes that respond most in them."""
    observed = examples.observed
    spread = np.maximum(observed.std(axis=1, keepdims=True), 1e-9)
    genes = np.sort(np.argsort(-np.abs(observed / spread).mean(axis=0), kind="stable")[:HEAT_GENES])
    # Ward's method on the observed profiles alone: the order of the genes must not flatter the predictions.
    order = genes[leaves_list(linkage(observed[:, genes].T, method="ward", optimal_ordering=True))]
    # One strong signature would leave the others white, so the colours end where half of them do.
    ends = np.quantile(np.abs(observed[:, genes]), 0.95, axis=1)
    bound = max(round(float(np.median(ends)), 1), 0.1)
    labels = [f"{at}. {label}" for at, label in enumerate(examples.labels, start=1)]
    data = pl.concat(
        pl.DataFrame(
            {
                "signature": label,
                "row": row,
                "at": np.arange(len(order)),
                "delta": profiles[at, order].astype(float).round(3),
            }
        )
        for at, label in enumerate(labels)
        for row, profiles in (("observed", observed), ("predicted", examples.predicted))
    )
    chart = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X(
                "at:O",
                title=f"{len(order)} landmark genes, clustered by observed delta",
                axis=alt.Axis(labels=False, ticks=False),
            ),
            y=alt.Y("row:N", sort=["observed", "predicted"], title=None),
            color=alt.Color(
                "delta:Q",
                title=f"delta (z-score; colours end at ±{bound})",
                legend=alt.Legend(titleLimit=0),
                scale=alt.Scale(
                    scheme="redblue", reverse=True, domain=[-bound, bound], domainMid=0, clamp=True
                ),
            ),
            row=alt.Row(
                "signature:N",
                sort=labels,
                spacing=16,
                title=None,
                header=alt.Header(labelOrient="top", labelAnchor="start", labelPadding=3),
            ),
        )
        .properties(width=640, height=40)
    )
    return _figure("heatmap_predictions", [chart], examples.subtitle)


def save(chart: alt.TopLevelMixin, svg: str | Path, png: str | Path) -> None:
    """Write a chart as SVG and as PNG at twice its size."""
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    write_text(_renumbered(drawn.getvalue()), svg)
    with written_beside(png) as temporary:
        chart.save(temporary, format="png", scale_factor=2)


def _renumbered(svg: str) -> str:
    """Count the ids of an SVG from 0: Vega counts them over all charts that a process has drawn."""
    seen: dict[str, str] = {}
    return re.sub(r"\b(gradient_|clip)\d+", lambda id: seen.setdefault(id[0], f"{id[1]}{len(seen)}"), svg)


_ZOOM = alt.Scale(zero=False, nice=True, padding=8)


def _points_with_intervals(y: alt.Y, score: str, style: dict[str, Any]) -> list[alt.Chart]:
    """Return a rule from low to high, a point on the mean, and a word where there is no mean."""
    known = alt.Chart().transform_filter("datum.mean !== null")
    missing = alt.Chart().transform_filter("datum.mean === null")
    return [
        known.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=score, scale=_ZOOM), x2="high:Q", y=y, color=style["color"]
        ),
        known.mark_point(filled=True, size=80, opacity=1).encode(
            x=alt.X("mean:Q", title=score), y=y, **style
        ),
        missing.mark_text(align="left", fontStyle="italic", color=FAINT).encode(
            x=alt.value(6), y=y, text=alt.value("undefined")
        ),
    ]


def _style(field: str, domain: Sequence[str], at: Sequence[int], title: str | None = None) -> dict[str, Any]:
    """Return colour and shape channels that share one legend."""
    colours, shapes = [COLOURS[place] for place in at], [SHAPES[place] for place in at]
    return {
        "color": alt.Color(f"{field}:N", title=title, scale=alt.Scale(domain=list(domain), range=colours)),
        "shape": alt.Shape(f"{field}:N", title=title, scale=alt.Scale(domain=list(domain), range=shapes)),
    }


def _score(metric: str, metrics: dict[str, MetricInfo]) -> str:
    """Title the axis of a metric."""
    return f"mean {metric} ({metrics[metric].better} is better)"


def _two(headline: Sequence[str], frame: pl.DataFrame) -> list[str]:
    """Return the first headline metric and the centred one, those that the frame has."""
    return [name for name in dict.fromkeys((headline[0], SECOND)) if name in set(frame["metric"])]


def _by_merit(frame: pl.DataFrame, column: str, info: MetricInfo) -> list[str]:
    """Order names by their mean over splits, the best first, the undefined last."""
    means = frame.group_by(column).agg(pl.col("mean").mean())
    descending = info.better == "higher"
    return means.sort("mean", column, descending=[descending, False], nulls_last=True)[column].to_list()


def _with_panels(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the panel of each row: its split, and how much its means rest on."""
    sizes = frame.group_by("split").agg(pl.col("parents", "signatures").max())
    names = {
        split: f"{split} (n = {number(signatures, 0)}, {number(parents, 0)} parents)"
        for split, parents, signatures in sizes.iter_rows()
    }
    return frame.with_columns(panel=pl.col("split").replace_strict(names, return_dtype=pl.String))


def _facet(
    layers: Sequence[alt.Chart], data: pl.DataFrame, height: int, width: int = WIDTH
) -> alt.FacetChart:
    """Repeat layers for each panel of the data, in the order of the splits."""
    panels = data["panel"].unique(maintain_order=True).to_list()
    width = width * 3 // 2 if len(panels) == 1 else width
    chart = alt.LayerChart(layer=list(layers), width=width, height=height)
    return chart.facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=PANELS, data=data)


def _figure(name: str, rows: Sequence[alt.Chart | alt.FacetChart], subtitle: str) -> alt.TopLevelMixin:
    """Put rows under each other, with the figure's title and one style."""
    title = alt.TitleParams(FIGURES[name][0], subtitle=subtitle, anchor="start", offset=14)
    font = "Liberation Sans, Arial, Helvetica, sans-serif"
    return (
        alt.vconcat(*rows, spacing=24, title=title)
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
