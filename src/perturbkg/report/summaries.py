"""Tables that hold statistics: reads Blocks of scores, makes tidy frames in a fixed order.

Random generators come from the seed and the identity of a row, so that equal scores give equal bytes.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from perturbkg.errors import InputError
from perturbkg.metrics import MetricInfo
from perturbkg.report.blocks import Block
from perturbkg.report.catalogue import Roles
from perturbkg.report.tables import COLUMNS, INTERVAL, conform
from perturbkg.scoring.bootstrap import cluster_means, clustered_interval
from perturbkg.scoring.compare import benjamini_hochberg, paired_difference

# ASSUME: bounds of the strata. Tanimoto similarity of Morgan radius 2 (1: the same
# fingerprint), and number of genes with a delta of 2 or more.
SIMILARITY_BOUNDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
ACTIVITY_BOUNDS = (0, 10, 25, 50, 100, 200)
STRATIFIED = ("pearson", "pearson_centred")  # metrics of the strata
COVERAGE = 0.9  # a model with values for fewer of the signatures cannot be the best of a column
ALPHA = 0.05

Row = dict[str, Any]


def tabulate(
    blocks: Sequence[Block],
    *,
    metrics: dict[str, MetricInfo],
    headline: Sequence[str],
    roles: Roles,
    resamples: int,
    seed: int,
) -> dict[str, pl.DataFrame]:
    """Make the tables that hold statistics."""
    unknown = sorted({block.metric for block in blocks} - set(metrics))
    if unknown:
        raise InputError(f"scores.parquet: metric {unknown[0]!r} is not one of {', '.join(sorted(metrics))}")
    draw = _Draw(resamples, seed)
    shown = [block for block in blocks if block.metric in headline]
    stratified = [block for block in blocks if block.metric in STRATIFIED]
    frames = {
        "main": _main(blocks, draw, metrics, headline, roles),
        "comparisons": _comparisons(shown, draw, metrics, roles),
        "ablations": _ablations(shown, draw, metrics),
        "strata": _strata(stratified, draw),
        "folds": _folds(blocks),
    }
    return {name: conform(name, frame) for name, frame in frames.items()}


@dataclass(frozen=True)
class _Draw:
    """Intervals and paired tests, each with a generator of its own that its identity seeds."""

    resamples: int
    seed: int

    def _generator(self, *identity: str) -> np.random.Generator:
        """Return a generator that depends on the seed and on what is drawn, not on what was drawn before."""
        digest = hashlib.sha256("\0".join(identity).encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest[:8], "little")])

    def interval(self, values: np.ndarray, parent: np.ndarray, *identity: str) -> Row:
        """Return the columns of the interval of values (rows,), NaN where undefined."""
        rng = self._generator("interval", *identity)
        found = clustered_interval(values, parent, resamples=self.resamples, rng=rng)
        return dict(
            zip(INTERVAL, (found.mean, found.low, found.high, found.clusters, found.values), strict=True)
        )

    def difference(self, a: np.ndarray, b: np.ndarray, parent: np.ndarray, *identity: str) -> Row:
        """Return the columns of the paired difference a - b over the rows that both have a value for."""
        rng = self._generator("difference", *identity)
        found = paired_difference(a, b, parent, resamples=self.resamples, rng=rng)
        return {
            "difference": found.mean,
            "difference_low": found.low,
            "difference_high": found.high,
            "p": found.p,
            "paired_parents": found.clusters,
            "paired_signatures": found.values,
        }


def merit(info: MetricInfo, values: np.ndarray) -> np.ndarray:
    """Return what is compared: the value, or its distance from the best where closer is better."""
    return np.abs(values - info.best) if info.better == "closer" else values


def _adjust(p: pl.Series) -> pl.Series:
    """Return q of every p that is defined."""
    return pl.Series("q", benjamini_hochberg(p.fill_null(float("nan")).to_numpy()), nan_to_null=True)


def _judge(
    frame: pl.DataFrame, metrics: dict[str, MetricInfo], first: pl.Expr, second: pl.Expr
) -> pl.DataFrame:
    """Add q over the whole frame, and which of two names is better where q says that one is."""
    higher = pl.col("metric").is_in([name for name, info in metrics.items() if info.better == "higher"])
    wins = (pl.col("difference") > 0) == higher
    return frame.with_columns(_adjust(frame["p"])).with_columns(
        better=pl.when(pl.col("q") < ALPHA)
        .then(pl.when(wins).then(first).otherwise(second))
        .when(pl.col("q") >= ALPHA)
        .then(pl.lit("neither"))
    )


def _frame(name: str, rows: list[Row]) -> pl.DataFrame:
    """Make a frame of dicts, which may lack columns of the table; NaN becomes null."""
    return pl.DataFrame(rows, schema=COLUMNS[name]).with_columns(cs.float().fill_nan(None))


def _main(
    blocks: Sequence[Block],
    draw: _Draw,
    metrics: dict[str, MetricInfo],
    headline: Sequence[str],
    roles: Roles,
) -> pl.DataFrame:
    """Summarise every untouched model on every split and metric, and test each against the best."""
    rows: list[Row] = []
    for block in blocks:
        info, models = metrics[block.metric], block.untouched()
        found: dict[str, Row] = {
            model: {
                "split": block.split,
                "metric": block.metric,
                "model": model,
                "kind": roles.kind(model),
                **draw.interval(values, block.parent, block.split, block.metric, model, "none"),
                "undefined": int(np.isnan(values).sum()),
                "folds": block.rows["fold"].n_unique(),
                "seeds": sum(run[:2] == (model, "none") for run in block.runs),
                "best": False,
            }
            for model, values in models.items()
        }
        rows += found.values()
        sign = 1 if info.better == "higher" else -1
        merits = {
            model: sign * float(merit(info, np.array(row["mean"])))
            for model, row in found.items()
            if row["signatures"] >= max(1, COVERAGE * block.rows.height)
        }
        if not merits:
            continue
        best = max(sorted(merits), key=merits.__getitem__)
        found[best]["best"] = True
        if block.metric in headline:
            for model in found.keys() - {best}:
                a, b = (merit(info, models[name]) for name in (model, best))
                test = draw.difference(a, b, block.parent, block.split, block.metric, model, best)
                found[model]["q_best"] = test["p"]  # adjusted below, over the whole table
    frame = _frame("main", rows)
    return frame.with_columns(q_best=_adjust(frame["q_best"]))


def _comparisons(
    blocks: Sequence[Block], draw: _Draw, metrics: dict[str, MetricInfo], roles: Roles
) -> pl.DataFrame:
    """Compare the reference model with every other one."""
    rows: list[Row] = []
    for block in blocks:
        info, models = metrics[block.metric], block.untouched()
        for other in models.keys() - {roles.reference} if roles.reference in models else ():
            a, b = (merit(info, models[name]) for name in (roles.reference, other))
            rows.append(
                {
                    "split": block.split,
                    "metric": block.metric,
                    "reference": roles.reference,
                    "other": other,
                    **draw.difference(a, b, block.parent, block.split, block.metric, roles.reference, other),
                }
            )
    frame = _frame("comparisons", rows).sort("split", "metric", "other")
    return _judge(frame, metrics, pl.col("reference"), pl.col("other"))


def _ablations(blocks: Sequence[Block], draw: _Draw, metrics: dict[str, MetricInfo]) -> pl.DataFrame:
    """Compare every ablated model with its untouched self, which heads its rows."""
    rows: list[Row] = []
    for block in blocks:
        info, models = metrics[block.metric], block.over_seeds()
        for model in sorted({model for model, ablation in models if ablation != "none"}):
            untouched = models.get((model, "none"))
            steps = sorted(ablation for name, ablation in models if name == model and ablation != "none")
            for ablation in ["none", *steps] if untouched is not None else steps:
                identity = (block.split, block.metric, model, ablation)
                values = models[model, ablation]
                row: Row = {
                    "split": block.split,
                    "metric": block.metric,
                    "model": model,
                    "ablation": ablation,
                    **draw.interval(values, block.parent, *identity),
                }
                if ablation != "none" and untouched is not None:
                    row |= draw.difference(
                        merit(info, values), merit(info, untouched), block.parent, *identity, "none"
                    )
                rows.append(row)
    return _judge(_frame("ablations", rows), metrics, pl.col("ablation"), pl.lit("none"))


def _strata(blocks: Sequence[Block], draw: _Draw) -> pl.DataFrame:
    """Summarise every untouched model within groups of test signatures; empty groups are left out."""
    rows: list[Row] = []
    for block in blocks:
        models = block.untouched()
        for stratum, levels in _levels(block.rows).items():
            for order, (level, inside) in enumerate(levels):
                for model, values in models.items() if inside.any() else ():
                    identity = (block.split, block.metric, model, "none", stratum, level)
                    rows.append(
                        {
                            "split": block.split,
                            "metric": block.metric,
                            "stratum": stratum,
                            "order": order,
                            "level": level,
                            "model": model,
                            **draw.interval(values[inside], block.parent[inside], *identity),
                        }
                    )
    return _frame("strata", rows)


def _levels(rows: pl.DataFrame) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return stratum -> its levels in order: label and which rows (rows,) bool belong to it."""
    similarity, active = rows["similarity"].to_numpy(), rows["active"].to_numpy()
    target, cell = rows["has_target"].to_numpy(), rows["cell"].to_numpy()
    return {
        "similarity": [
            *(
                (f"{low:g}–{high:g}", (similarity >= low) & (similarity < high))
                for low, high in itertools.pairwise(SIMILARITY_BOUNDS)
            ),
            ("1", similarity >= 1),
        ],
        "target": [("target in the graph", target), ("no target in the graph", ~target)],
        "activity": [
            *(
                (f"{low}–{high - 1}", (active >= low) & (active < high))
                for low, high in itertools.pairwise(ACTIVITY_BOUNDS)
            ),
            (f"≥ {ACTIVITY_BOUNDS[-1]}", active >= ACTIVITY_BOUNDS[-1]),
        ],
        "cell": [(name, cell == name) for name in sorted(set(cell))],
    }


def _folds(blocks: Sequence[Block]) -> pl.DataFrame:
    """Average each single run over its parents."""
    rows: list[Row] = []
    for block in blocks:
        folds = block.rows["fold"].to_numpy()
        for column, (model, ablation, seed) in enumerate(block.runs):
            for fold in np.unique(folds):
                values = np.where(folds == fold, block.values[:, column], np.nan)
                defined = ~np.isnan(values)
                means = cluster_means(values[defined], block.parent[defined])
                rows.append(
                    {
                        "split": block.split,
                        "metric": block.metric,
                        "model": model,
                        "ablation": ablation,
                        "fold": int(fold),
                        "seed": seed,
                        "mean": means.mean() if len(means) else None,
                        "parents": len(means),
                        "signatures": int(defined.sum()),
                    }
                )
    return _frame("folds", rows)
