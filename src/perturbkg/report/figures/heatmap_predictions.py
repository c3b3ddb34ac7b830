"""Observed above predicted profiles of a few test signatures, which are chosen by rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from scipy.cluster.hierarchy import leaves_list, linkage

from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels, read_rows
from perturbkg.report.figures import Drawing, Figure, Material

QUANTILES = (0.9, 0.7, 0.5, 0.3, 0.1)  # of the score; the figure shows one signature at each
GENES = 120


class HeatmapPredictions(Figure):
    """Drawn from scores, signatures, and predictions of the reference model."""

    title = "Observed and predicted expression change"
    caption = (
        "Observed and predicted delta profiles of test signatures taken at fixed quantiles of the reference "
        "model's score (not its best), on the genes that respond most in them, ordered by hierarchical "
        "clustering of the observed profiles."
    )
    section = "examples"

    def draw(self, material: Material) -> Drawing:
        """Draw the examples, if the reference model has a defined score."""
        examples = read_examples(material)
        if examples is None:
            reference, metric = material.choices.reference, material.choices.drawn[0]
            return Drawing([], f"No {metric} of {reference} is defined on the split {material.split}.")
        return Drawing([_chart(examples)], examples.subtitle)


@dataclass(frozen=True)
class Examples:
    """Profiles of a few test signatures over the landmark genes."""

    observed: np.ndarray  # (signatures, 978) float32
    predicted: np.ndarray  # (signatures, 978) float32
    labels: list[str]
    subtitle: str


def read_examples(material: Material) -> Examples | None:
    """Read the profiles of the signatures at fixed quantiles of the reference model's score.

    The score is the first drawn metric; None where no value of it is defined. Raises InputError for a
    signature without a prediction.
    """
    metric, model = material.choices.drawn[0], material.choices.reference
    run = {"split": material.split, "model": model, "ablation": "none", "share": 1.0}
    chosen = [
        pl.col(name) == value
        for name, value in (run | {"seed": material.model_seed, "metric": metric}).items()
    ]
    scored = pl.scan_parquet(material.scores).filter(*chosen).select("signature", "value").collect()
    picked = at_quantiles(scored.with_columns(pl.col("signature").cast(pl.String)))
    if picked.is_empty():
        return None
    known, _ = read_labels(material.signatures)
    names = dict(material.drugs.select("drug", "name").iter_rows())
    place = {name: row for row, name in enumerate(known["signature"])}
    rows = np.array([place[name] for name in picked["signature"]], dtype=np.int64)
    labels = [
        f"{names[known['drug'][row]]} · {known['cell'][row]} · {metric} {value:.2f}"
        for row, value in zip(rows.tolist(), picked["value"], strict=True)
    ]
    quantiles = ", ".join(f"{100 * quantile:.0f}" for quantile in QUANTILES)
    return Examples(
        observed=read_rows(material.signatures, rows),
        predicted=_predicted(material.predictions, picked["signature"].to_list()),
        labels=labels,
        subtitle=f"{model}, split {material.split}, seed {material.model_seed}: test signatures at the "
        f"{quantiles} % quantiles of {metric} among {len(scored):,}",
    )


def at_quantiles(scored: pl.DataFrame) -> pl.DataFrame:
    """Take the rows (signature, value) at fixed quantiles of the defined values, the highest first."""
    ranked = scored.drop_nulls("value").sort("value", "signature")
    rows = [round(quantile * (ranked.height - 1)) for quantile in QUANTILES] if ranked.height else []
    return ranked[list(dict.fromkeys(rows))]


def _predicted(files: Sequence[str | Path], wanted: list[str]) -> np.ndarray:
    """Read the predicted profiles of signatures (n,), each from the fold that tests it: (n, 978) float32."""
    found: dict[str, np.ndarray] = {}
    for path in files:
        names = read_labels(path)[0]["signature"].to_list()
        rows = [row for row, name in enumerate(names) if name in set(wanted)]
        found |= zip(
            (names[row] for row in rows), read_rows(path, np.array(rows, dtype=np.int64)), strict=True
        )
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(
            f"{files[0]} and its other folds: no prediction of signature {missing[0]!r}; predict again"
        )
    return np.stack([found[name] for name in wanted])


def _chart(examples: Examples) -> alt.Chart:
    """Draw the genes that respond most."""
    observed = examples.observed
    spread = np.maximum(observed.std(axis=1, keepdims=True), 1e-9)
    genes = np.sort(np.argsort(-np.abs(observed / spread).mean(axis=0), kind="stable")[:GENES])
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
    return (
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
