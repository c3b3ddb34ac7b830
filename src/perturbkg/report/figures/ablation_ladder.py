"""What the reference model loses with each ablation, beside models that see no graph."""

import altair as alt
import polars as pl

from perturbkg.report.figures import Drawing, Figure, Material
from perturbkg.report.figures._drawing import (
    COLOURS,
    axis_title,
    best_first,
    facet,
    points_with_intervals,
    styled,
    with_panels,
)

UNTOUCHED, ABLATED, NO_GRAPH = PARTS = ["untouched", "ablated", "no graph"]
COLUMNS = ["split", "metric", "mean", "low", "high", "parents", "signatures", "name", "part"]


class AblationLadder(Figure):
    """Drawn from the tables `ablations` and `main`."""

    title = "What the reference model loses with each thing taken away"
    caption = (
        "Mean score of each ablated model with 95 % interval, retrained on the same folds and seeds. Dashed "
        "lines: models that see no graph. A graph that matters shows as a drop from the untouched model."
    )
    section = "ablations"

    def draw(self, material: Material) -> Drawing:
        """Extend the means of models without a graph over all ablations, as dashed lines."""
        choices, main = material.choices, material.tables["main"]
        ladder = material.tables["ablations"].filter(model=choices.reference)
        if ladder.is_empty():
            return Drawing([], f"No ablation of {choices.reference} was run.")
        ablated = ladder.filter(pl.col("ablation") != "none", metric=choices.drawn[0])
        others = set(main["model"]) - {choices.reference}
        parts = dict.fromkeys((choices.without_graph, choices.without_drug))  # one model may play both
        without = [model for model in parts if model in others]
        order = [choices.reference, *best_first(ablated, "ablation", choices.drawn[0]), *without]
        untouched = pl.col("ablation") == "none"
        steps = ladder.with_columns(
            name=pl.when(untouched).then("model").otherwise("ablation"),
            part=pl.when(untouched).then(pl.lit(UNTOUCHED)).otherwise(pl.lit(ABLATED)),
        )
        marks = main.filter(pl.col("model").is_in(without)).with_columns(name="model", part=pl.lit(NO_GRAPH))
        data = pl.concat([steps.select(COLUMNS), marks.select(COLUMNS)])
        rows = []
        for metric in choices.drawn:
            score = axis_title(metric)
            line = alt.Chart().mark_rule(strokeDash=[4, 4], color=COLOURS[3], opacity=0.8)
            layers = [
                line.encode(x=alt.X("mean:Q", title=score)).transform_filter(
                    f"datum.part === '{NO_GRAPH}' && datum.mean !== null"
                ),
                *points_with_intervals(
                    alt.Y("name:N", sort=order, title=None), score, styled("part", PARTS, [0, 1, 3])
                ),
            ]
            rows.append(facet(layers, with_panels(data.filter(metric=metric)), 26 * len(order)))
        subtitle = (
            f"{choices.reference} retrained without one thing; dashed: without a graph; lines: 95 % intervals"
        )
        return Drawing(rows, subtitle)
