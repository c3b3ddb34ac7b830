"""Means of every model on every split and metric, and which of them is the best."""

from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.metrics import value_infos
from perturbkg.report.choices import Choices
from perturbkg.report.estimates import ALPHA, INTERVAL, adjust, badness, compared
from perturbkg.report.grid import (
    Column,
    Grid,
    count_cell,
    mean_cell,
    metric_column,
    number,
    text_cell,
)
from perturbkg.report.results import Results
from perturbkg.report.score_matrix import ScoreMatrix
from perturbkg.report.tables import Columns, Table

COVERAGE = 0.9  # a model with values for fewer of the signatures cannot be the best of a column


class Main(Table):
    """One row per split, metric and model without an ablation."""

    title = "Main results"
    note = (
        "Mean with 95 % interval. Seeds are averaged per signature, signatures per parent molecule, then "
        "parents; the interval is a percentile bootstrap over parents. Bold: best of the column. †: not "
        "significantly different from the best (paired sign-flip test over parents, Benjamini-Hochberg over "
        "this table, q ≥ 0.05)."
    )
    section = "main"
    columns: ClassVar[Columns] = {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "kind": pl.String,  # reference, control or model
        "conditions": pl.String,  # what the model does with dose and time: read or ignored
        **INTERVAL,
        "undefined": pl.Int64,  # test signatures without a value in any seed
        "folds": pl.Int64,
        "seeds": pl.Int64,
        "best": pl.Boolean,
        "q_best": pl.Float64,  # of the paired test against the best; null for metrics outside the headline
    }

    def compute(self, results: Results) -> pl.DataFrame:
        """Summarise every model, and test each against the best."""
        rows = [row for matrix in results.matrices for row in _rows(matrix, results)]
        frame = self.frame(rows)
        return frame.with_columns(q_best=adjust(frame["q_best"]))

    def lay_out(self, frame: pl.DataFrame, choices: Choices) -> list[Grid]:
        """Return a grid per split: one row per model, the best of the first headline metric on top."""
        return [_grid(part, choices) for part in frame.partition_by("split", maintain_order=True)]


def _rows(matrix: ScoreMatrix, results: Results) -> list[dict[str, Any]]:
    """Summarise one split and metric; `q_best` holds p until it is adjusted over the whole table."""
    estimator, models = results.estimator, matrix.untouched
    identity = (matrix.split, matrix.metric)
    found = {
        model: {
            "split": matrix.split,
            "metric": matrix.metric,
            "model": model,
            "kind": results.choices.kind(model),
            "conditions": "read" if model in results.choices.reading else "ignored",
            **estimator.interval(values, matrix.parent, *identity, model, "none"),
            "undefined": int(np.isnan(values).sum()),
            "folds": matrix.rows["fold"].n_unique(),
            "seeds": sum(run[:2] == (model, "none") for run in matrix.runs),
            "best": False,
        }
        for model, values in models.items()
    }
    sign = 1 if value_infos()[matrix.metric].better == "higher" else -1
    merits = {
        model: sign * float(compared(matrix.metric, np.array(row["mean"])))
        for model, row in found.items()
        if row["signatures"] >= max(1, COVERAGE * matrix.rows.height)
    }
    if not merits:
        return list(found.values())
    best = max(sorted(merits), key=merits.__getitem__)
    found[best]["best"] = True
    if matrix.metric in results.choices.headline:
        for model in found.keys() - {best}:
            a, b = (compared(matrix.metric, models[name]) for name in (model, best))
            found[model]["q_best"] = estimator.difference(a, b, matrix.parent, *identity, model, best)["p"]
    return list(found.values())


def _grid(part: pl.DataFrame, choices: Choices) -> Grid:
    """Lay one split out."""
    by_key = {(row["model"], row["metric"]): row for row in part.iter_rows(named=True)}
    shown = choices.headline
    order = part.filter(metric=shown[0]).sort(badness(shown[0]), "model", nulls_last=True)["model"].to_list()
    rows = []
    for model in order:
        found = [by_key[model, metric] for metric in shown]
        cells = [
            mean_cell(
                row,
                mark=" †" if row["q_best"] is not None and row["q_best"] >= ALPHA else "",
                bold=row["best"],
            )
            for row in found
        ]
        undefined = sum(row["undefined"] for row in found)
        rows.append(
            [
                text_cell(model),
                text_cell(found[0]["kind"]),
                *cells,
                count_cell(undefined),
                text_cell(found[0]["conditions"]),
            ]
        )
    size = part.filter(pl.col("metric").is_in(shown)).select(
        pl.col("parents").max(),
        (pl.col("signatures") + pl.col("undefined")).max(),
        pl.col("folds", "seeds").max(),
    )
    parents, signatures, folds, seeds = size.row(0)
    title = (
        f"Split {part['split'][0]}: {number(signatures, 0)} test signatures of {number(parents, 0)} parent "
        f"molecules, {folds} folds, {seeds} seed{'s' if seeds != 1 else ''}"
    )
    columns = [
        Column("Model"),
        Column("Kind"),
        *(metric_column(metric) for metric in shown),
        Column("Undefined", True, "scores without a value, summed over the metrics shown"),
        Column("Dose, time", False, "whether the model reads them, where they vary in training"),
    ]
    return Grid(title, columns, rows)
