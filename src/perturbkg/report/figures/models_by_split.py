"""Every model's mean with its interval: a panel per split, a row of panels per metric."""

import altair as alt

from perturbkg.report.figures import Drawing, Figure, Material
from perturbkg.report.figures._drawing import (
    axis_title,
    best_first,
    facet,
    points_with_intervals,
    styled,
    with_panels,
)


class ModelsBySplit(Figure):
    """Drawn from the table `main`."""

    title = "Mean test score of every model"
    caption = (
        "Mean score of every model on each split, with 95 % bootstrap interval over parent molecules. "
        "The axis says which direction is better. Trivial controls are drawn as grey diamonds, the reference "
        "model as an orange square."
    )
    section = "main"

    def draw(self, material: Material) -> Drawing:
        """Order the models by the first metric."""
        main, drawn = material.tables["main"], material.choices.drawn
        order = best_first(main.filter(metric=drawn[0]), "model", drawn[0])
        rows = []
        for metric in drawn:
            y = alt.Y("model:N", sort=order, title=None)
            style = styled("kind", ["reference", "model", "control"], [0, 1, 3])
            layers = points_with_intervals(y, axis_title(metric), style)
            rows.append(facet(layers, with_panels(main.filter(metric=metric)), 22 * len(order)))
        return Drawing(rows, "Points: means over parent molecules; lines: 95 % bootstrap intervals")
