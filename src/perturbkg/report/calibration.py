"""Count in how many simulated worlds the report says what was planted: contests, rates, a figure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl
from scipy.stats import binomtest

from perturbkg.report.choices import Choices
from perturbkg.report.estimates import ALPHA, INTERVAL
from perturbkg.report.figures._drawing import FAINT, WIDTH, page, styled
from perturbkg.report.results import Results
from perturbkg.report.tables.ablations import Ablations
from perturbkg.report.tables.comparisons import Comparisons

CONTESTS = {
    "kg_signal": pl.Float64,
    "seed": pl.Int64,
    "model": pl.String,
    "rival": pl.String,  # another model, or the ablation of the model that `report.rewired` names
    "difference": pl.Float64,  # model minus rival, of the first headline metric
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
}
SCORES = {
    "kg_signal": pl.Float64,
    "seed": pl.Int64,
    "model": pl.String,
    "ablation": pl.String,
    **INTERVAL,  # of the first headline metric
}
#: A model is declared better where the report says so (q below ALPHA) and the interval is above 0.
BETTER = (pl.col("q") < ALPHA) & (pl.col("low") > 0)
WORSE = (pl.col("q") < ALPHA) & (pl.col("high") < 0)
TOGETHER = "all three"


def rewired_models(config: Mapping[str, Any]) -> list[str]:
    """Return the models that a config also trains on a rewired graph: their reports are counted."""
    rewired = config["report"]["rewired"]
    return [model for model in config["models"] if rewired in config["ablations"].get(model, [])]


def scores(results: Results) -> list[dict[str, Any]]:
    """Return the mean over parents of every model and ablation, with its interval, on each split."""
    return [
        {
            "model": model,
            "ablation": ablation,
            **results.estimator.interval(values, matrix.parent, matrix.split, matrix.metric, model, ablation),
        }
        for matrix in results.matrices
        if matrix.metric == results.choices.headline[0]
        for (model, ablation), values in matrix.over_seeds.items()
    ]


def contests(results: Results, model: str) -> list[dict[str, Any]]:
    """Return how a model compares with every other and with its rewired self on the first headline metric.

    The numbers are those of the tables `comparisons` and `ablations` where the reference is the model.
    Raises ValueError where there is more than one split.
    """
    choices = dataclasses.replace(results.choices, reference=model, headline=results.choices.headline[:1])
    results = dataclasses.replace(results, choices=choices)
    others = Comparisons().make(results)
    rewired = Ablations().make(results).filter(model=model, ablation=choices.rewired)
    if rewired.height != 1:
        raise ValueError(f"{rewired.height} splits; one is counted")
    rows = [_row(model, row["other"], row, 1) for row in others.iter_rows(named=True)]
    return [*rows, *(_row(model, row["ablation"], row, -1) for row in rewired.iter_rows(named=True))]


def _row(model: str, rival: str, row: Mapping[str, Any], sign: int) -> dict[str, Any]:
    """Return a contest; the table of ablations holds ablated minus untouched, so its sign is turned."""
    names = ("difference", "difference_low", "difference_high")
    middle, *ends = (None if row[name] is None else sign * row[name] for name in names)
    low, high = ends[::sign]
    found = {"difference": middle, "low": low, "high": high, "p": row["p"], "q": row["q"]}
    return {"model": model, "rival": rival, **found}


def rates(found: pl.DataFrame, choices: Choices) -> pl.DataFrame:
    """Count worlds, of CONTESTS: in how many a model is ahead, declared better, declared worse.

    One row per kg_signal, model and rival; for the rivals of the goal also their worst together. `low` and
    `high` are the exact 95 % interval of the share declared better (Clopper and Pearson 1934).
    """
    judged = found.with_columns(ahead=pl.col("difference") > 0, better=BETTER, worse=WORSE)
    rivals = (choices.without_graph, choices.without_attention, choices.rewired)
    keys = ["kg_signal", "seed", "model"]
    together = (
        judged.filter(pl.col("rival").is_in(rivals))
        .group_by(keys)
        .agg(
            pl.col("difference").min(),
            pl.col("ahead", "better").all(),
            pl.col("worse").any(),
            rivals=pl.len(),
        )
        .filter(rivals=len(rivals))
        .with_columns(rival=pl.lit(TOGETHER))
    )
    counted = (
        pl.concat([judged, together], how="diagonal")
        .group_by("kg_signal", "model", "rival")
        .agg(
            pl.len().alias("worlds"),
            pl.col("difference").median().alias("median"),
            pl.col("ahead", "better", "worse").sum(),
        )
        .sort("kg_signal", "model", "rival")
    )
    exact = [
        binomtest(better, worlds).proportion_ci(0.95, method="exact")
        for better, worlds in counted.select("better", "worlds").iter_rows()
    ]
    return counted.with_columns(
        low=pl.Series([float(ends.low) for ends in exact], dtype=pl.Float64),
        high=pl.Series([float(ends.high) for ends in exact], dtype=pl.Float64),
    )


def goal(row: Mapping[str, Any], choices: Choices) -> str:
    """Say what is asked of a row of `rates`, and whether it holds; empty where nothing is asked.

    Where the graph explains everything, a graph model must be declared better in 95 % of the worlds than the
    model without graph, than the one without attention and than its rewired self. Where it explains nothing,
    in at most 5 % than its rewired self.
    """
    share = row["better"] / row["worlds"]
    rivals = (choices.without_graph, choices.without_attention, choices.rewired, TOGETHER)
    if row["kg_signal"] == 1 and row["rival"] in rivals:
        return f"at least 95 %: {'met' if share >= 0.95 else 'not met'}"
    if row["kg_signal"] == 0 and row["rival"] == choices.rewired:
        return f"at most 5 %: {'met' if share <= 0.05 else 'not met'}"
    return ""


def chart(found: pl.DataFrame, choices: Choices) -> alt.TopLevelMixin:
    """Draw the contests of each world with their intervals: a panel per model and rival of the goal."""
    rivals = [choices.without_graph, choices.without_attention, choices.rewired]
    drawn = found.filter(pl.col("rival").is_in(rivals)).with_columns(
        world=pl.col("difference").rank("ordinal").over("kg_signal", "model", "rival"),
        panel=pl.format("{} minus {}", "model", "rival"),
        signal=pl.col("kg_signal").map_elements("{:g}".format, return_dtype=pl.String),
        judged=pl.when(BETTER)
        .then(pl.lit("better"))
        .when(WORSE)
        .then(pl.lit("worse"))
        .otherwise(pl.lit("neither")),
    )
    signals = [f"{signal:g}" for signal in sorted(drawn["kg_signal"].unique())]
    panels = [f"{model} minus {rival}" for model in sorted(drawn["model"].unique()) for rival in rivals]
    style = styled("signal", signals, range(len(signals)), title="kg_signal")
    base = alt.Chart().encode(
        y=alt.Y("world:O", title="world, by difference", axis=alt.Axis(labels=False, ticks=False)),
        yOffset=alt.YOffset("signal:N", sort=signals),
    )
    zero = alt.Chart().mark_rule(color=FAINT, strokeDash=[4, 4]).encode(x=alt.datum(0))
    intervals = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", title=f"difference in mean {choices.headline[0]} (95 % interval)"),
        x2="high:Q",
        color=style["color"],
    )
    points = base.mark_point(size=36, strokeWidth=1.5, opacity=1).encode(
        x="difference:Q",
        fill=alt.condition("datum.judged == 'neither'", alt.value("white"), style["color"]),
        **style,
    )
    worlds = drawn.group_by("kg_signal").agg(pl.col("seed").n_unique()).sort("kg_signal").rows()
    sizes = " and ".join(f"{count} worlds at kg_signal {signal:g}" for signal, count in worlds)
    faceted = alt.LayerChart(
        layer=[zero, intervals, points], width=WIDTH, height=12 * max(n for _, n in worlds)
    )
    return page(
        [faceted.facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=len(rivals), data=drawn)],
        "Graph models in worlds whose graph explains everything (1) or nothing (0)",
        f"{sizes}; filled: declared better or worse at q < {ALPHA:g}, hollow: neither",
    )
