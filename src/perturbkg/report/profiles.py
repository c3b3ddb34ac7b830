"""Choose a few test signatures by rule, and put their observed and predicted profiles side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels, read_rows

QUANTILES = (0.9, 0.7, 0.5, 0.3, 0.1)  # of the score; the figure shows one signature at each


@dataclass(frozen=True)
class Examples:
    """Profiles of a few test signatures over the landmark genes."""

    observed: np.ndarray  # (signatures, 978) float32
    predicted: np.ndarray  # (signatures, 978) float32
    labels: list[str]
    symbols: list[str]  # (978,)
    subtitle: str


def example_profiles(
    scores: str | Path,
    signatures: str | Path,
    drugs: pl.DataFrame,
    predictions: Sequence[str | Path],
    *,
    chosen: dict[str, Any],
    metric: str,
) -> Examples:
    """Read the profiles of the signatures at fixed quantiles of a run's score.

    `chosen` are the split, model, ablation and seed of the run, `predictions` its files, one per fold.
    """
    run = [pl.col(name) == value for name, value in (chosen | {"metric": metric}).items()]
    scored = pl.scan_parquet(scores).filter(*run).select("signature", "value").collect()
    picked = at_quantiles(scored.with_columns(pl.col("signature").cast(pl.String)))
    known, genes = read_labels(signatures)
    names = dict(drugs.select("drug", "name").iter_rows())
    place = {name: row for row, name in enumerate(known["signature"])}
    rows = np.array([place[name] for name in picked["signature"]], dtype=np.int64)
    labels = [
        f"{names[known['drug'][row]]} · {known['cell'][row]} · {metric} {value:.2f}"
        for row, value in zip(rows.tolist(), picked["value"], strict=True)
    ]
    quantiles = ", ".join(f"{100 * quantile:.0f}" for quantile in QUANTILES)
    return Examples(
        observed=read_rows(signatures, rows),
        predicted=_predicted(predictions, picked["signature"].to_list()),
        labels=labels,
        symbols=genes["symbol"].to_list(),
        subtitle=f"{chosen['model']}, split {chosen['split']}, seed {chosen['seed']}: test signatures at the "
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
    lost = [name for name in wanted if name not in found]
    if lost:
        raise InputError(
            f"{files[0]} and its other folds: no prediction of signature {lost[0]!r}; predict again"
        )
    return np.stack([found[name] for name in wanted])
