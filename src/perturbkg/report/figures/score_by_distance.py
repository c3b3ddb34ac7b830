"""Scores against how similar a test drug is to the training drugs."""

import altair as alt
import polars as pl

from perturbkg.report.figures import Drawing, Figure, Material
from perturbkg.report.figures._drawing import FAINT, WIDTH, ZOOM, axis_title, facet, styled


class ScoreByDistance(Figure):
    """Drawn from the table `strata`."""

    title = "Test score against similarity to the training drugs"
    caption = (
        "Mean score of test signatures, binned by the Tanimoto similarity of their drug to the nearest "
        "training drug, with 95 % interval over parent molecules; above each bin is the number of its "
        "test signatures."
    )
    section = "strata"

    def draw(self, material: Material) -> Drawing:
        """Draw binned means with intervals of the models that play a part."""
        choices = material.choices
        parts = (
            choices.reference,
            choices.without_attention,
            choices.without_graph,
            choices.without_drug,
            choices.structure_only,
        )
        wanted = list(dict.fromkeys(parts))  # one model may play two parts
        binned = material.tables["strata"].filter(pl.col("model").is_in(wanted), stratum="similarity")
        models = [model for model in wanted if model in set(binned["model"])]
        levels = binned.select("order", "level").unique().sort("order")["level"].to_list()
        rows = []
        for metric in choices.drawn:
            # Models with undefined scores cover fewer signatures: the largest count is that of the bin.
            size = pl.col("signatures").max().over("split", "level")
            data = binned.filter(metric=metric).with_columns(panel="split", n=size)
            x = alt.X(
                "level:O",
                sort=levels,
                title="Tanimoto similarity of the drug to its nearest training drug",
                axis=alt.Axis(labelAngle=0, labelOverlap=False),
            )
            score = axis_title(metric)
            style = styled("model", models, [wanted.index(model) for model in models])
            base = alt.Chart().encode(x=x, xOffset=alt.XOffset("model:N", sort=models), color=style["color"])
            number_of = alt.Chart().mark_text(baseline="bottom", fontSize=10, color=FAINT)
            layers = [
                base.mark_rule(strokeWidth=1.5).encode(
                    y=alt.Y("low:Q", title=score, scale=ZOOM), y2="high:Q"
                ),
                base.mark_point(filled=True, size=45, opacity=1).encode(
                    y=alt.Y("mean:Q", title=score), shape=style["shape"]
                ),
                number_of.encode(x=x, y=alt.value(-2), text="n:Q").transform_filter(
                    f"datum.model === '{models[0]}'"
                ),
            ]
            rows.append(facet(layers, data, 190, width=max(WIDTH, 46 * len(levels))))
        subtitle = (
            "Points: means; lines: 95 % intervals (none for a single parent); above: test signatures of a bin"
        )
        return Drawing(rows, subtitle)
