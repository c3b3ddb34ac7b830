"""The mean of every single run."""

import altair as alt
import polars as pl

from perturbkg.report.figures import Drawing, Figure, Material
from perturbkg.report.figures._drawing import ZOOM, axis_title, best_first, facet, styled


class Folds(Figure):
    """Drawn from the table `folds`."""

    title = "Test score of every single run"
    caption = (
        "Each mark is one run: the mean over parent molecules of one fold and one seed. The spread between "
        "folds is the difficulty of their molecules; compare models within a fold."
    )
    section = "folds"

    def draw(self, material: Material) -> Drawing:
        """Draw each run of the models without an ablation."""
        folds, metric = material.tables["folds"], material.choices.drawn[0]
        data = folds.filter(pl.col("mean").is_not_null(), ablation="none", metric=metric)
        if data.is_empty():
            return Drawing([], f"No run has a defined {metric}.")
        order = best_first(data, "model", metric)
        numbers = [str(fold) for fold in sorted(data["fold"].unique())]
        style = styled("fold", numbers, range(len(numbers)), title="Fold")
        data = data.select("split", "model", "mean", panel="split", fold=pl.col("fold").cast(pl.String))
        points = (
            alt.Chart()
            .mark_point(filled=True, size=55, opacity=0.85)
            .encode(
                x=alt.X("mean:Q", title=axis_title(metric), scale=ZOOM),
                y=alt.Y("model:N", sort=order, title=None),
                yOffset=alt.YOffset("fold:N", sort=numbers),
                **style,
            )
        )
        seeds = folds["seed"].n_unique()
        subtitle = f"One point per run: {len(numbers)} folds, {seeds} seed{'s' if seeds > 1 else ''}"
        return Drawing([facet([points], data, 30 * len(order))], subtitle)
