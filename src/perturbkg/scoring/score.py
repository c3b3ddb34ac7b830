"""Compute metrics, found by name, for every signature: one tidy row for each value."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from perturbkg import plugins
from perturbkg.metrics import Evaluation, Metric, MetricInfo


def score(signatures: Iterable[str], evaluation: Evaluation, metrics: Iterable[str]) -> pl.DataFrame:
    """Return schemas.MetricValues: metric by metric, in the order of the signatures (n,), NaN made null."""
    signature = pl.Series("signature", signatures, dtype=pl.Categorical)
    values = []
    for name in metrics:
        metric: Metric = plugins.create("metrics", name)
        computed = metric.compute(evaluation)
        values += [_tidy(signature, info, computed[info.name]) for info in metric.infos]
    return pl.concat(values)


def _tidy(signature: pl.Series, info: MetricInfo, value: np.ndarray) -> pl.DataFrame:
    """Make the rows of one metric; where undefined, the value is null and the reason is given."""
    undefined = np.isnan(value)
    if undefined.any() and not info.undefined:
        raise ValueError(
            f"metric {info.name} states no reason, yet is undefined for {undefined.sum()} signatures"
        )
    return pl.DataFrame([signature, pl.Series("value", value, dtype=pl.Float64)]).select(
        "signature",
        pl.lit(info.name, dtype=pl.Categorical).alias("metric"),
        pl.col("value").fill_nan(None),
        pl.when(pl.col("value").is_nan()).then(pl.lit(info.undefined, dtype=pl.Categorical)).alias("reason"),
    )
