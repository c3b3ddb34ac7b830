"""Scores against how many drugs a model learned from."""

import altair as alt
import polars as pl

from perturbkg.report.figures import Drawing, Figure, Material
from perturbkg.report.figures._drawing import ZOOM, axis_title, best_first, facet, styled, with_panels

APART = 1.02  # models that learned from equally many drugs are drawn this factor apart


class LearningCurves(Figure):
    """Drawn from the table `learning_curve`."""

    title = "Test score against the number of training drugs"
    caption = (
        "Mean score of each model trained on nested shares of the training groups, with 95 % interval over "
        "parent molecules, against the number of drugs that it learned from (logarithmic); always the same "
        "test signatures."
    )
    section = "learning"

    def draw(self, material: Material) -> Drawing:
        """Draw a line for each model that has a score, a row of panels for each drawn metric."""
        table, choices = material.tables["learning_curve"], material.choices
        known = table.filter(pl.col("mean").is_not_null(), pl.col("metric").is_in(choices.drawn))
        if known.is_empty():
            return Drawing(
                [], "All models were trained on all training groups: the config has one train_share."
            )
        models = best_first(known.filter(metric=choices.drawn[0], share=1.0), "model", choices.drawn[0])
        models += sorted(set(known["model"]) - set(models))
        places = {model: at for at, model in enumerate(models)}
        shift = APART ** (
            pl.col("model").replace_strict(places, return_dtype=pl.Int64) - (len(models) - 1) / 2
        )
        rows = []
        for metric in choices.drawn:
            data = with_panels(known.filter(metric=metric).with_columns(at=pl.col("drugs") * shift))
            if data.is_empty():
                continue
            style = styled("model", models, list(places.values()))
            ends = alt.Scale(type="log", nice=False, padding=12)
            x = alt.X("at:Q", title="drugs that the model learned from", scale=ends)
            score = axis_title(metric)
            y = alt.Y("mean:Q", title=score, scale=ZOOM)
            base = alt.Chart().encode(x=x, color=style["color"])
            layers = [
                base.mark_rule(strokeWidth=1.2, opacity=0.7).encode(
                    y=alt.Y("low:Q", title=score, scale=ZOOM), y2="high:Q"
                ),
                base.mark_line(strokeWidth=1.5).encode(y=y),
                base.mark_point(filled=True, size=45, opacity=1).encode(y=y, shape=style["shape"]),
            ]
            # Splits differ more than models do, which one scale for all would hide.
            rows.append(facet(layers, data, 260).resolve_scale(x="independent", y="independent"))
        subtitle = "Points: means; upright lines: 95 % intervals. Equal numbers are drawn a little apart."
        return Drawing(rows, subtitle)
