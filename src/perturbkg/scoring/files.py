"""Score a file of predictions against a file of observations, and summarise the scores."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from rich.table import Table

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io import tables
from perturbkg.io.matrices import read_labels
from perturbkg.metrics import value_infos
from perturbkg.scoring.bootstrap import clustered_interval
from perturbkg.scoring.match import match, names_of, read_truth
from perturbkg.scoring.means import mean_profiles
from perturbkg.scoring.score import score


@dataclass(frozen=True)
class Scored:
    """Every metric of the signatures that were scored, and how many were not."""

    values: pl.DataFrame  # schemas.MetricValues
    signatures: pl.Series  # (n,) names of those scored, in the order of the truth
    parents: pl.Series | None  # (n,) parent molecule of each, if the truth names them
    notes: list[str]  # a line for each kind of signature left out, with its number, and one on the means


def score_files(
    truth: Path,
    prediction: Path,
    metrics: Sequence[str],
    *,
    fold: Path | None = None,
    means: Path | None = None,
) -> Scored:
    """Score the signatures of the prediction, or those of the test part of `fold` (schemas.Fold).

    A fold is a table in any form of io.tables. `means` holds the mean training profile of each cell line.
    Without it they are those of the training part of the fold; without a fold the metrics that need them are
    undefined. Raises InputError for a signature that only the prediction has, and for one of the test part
    that it lacks.
    """
    known, _ = read_labels(truth, ["cell"])
    observed = names_of(known, "signature", truth)
    predicted = names_of(read_labels(prediction)[0], "signature", prediction)
    parts = None if fold is None else _parts(fold, observed, truth)
    if parts is None:
        wanted = set(predicted)
        chosen = [name for name in observed if name in wanted]
        if not chosen:
            raise InputError(
                f"{prediction}: none of its {len(predicted)} signatures is in {truth}; the first is "
                f"{predicted[0]!r} there and {observed[0]!r} here"
                if predicted and observed
                else f"{prediction if observed else truth}: no signatures"
            )
        reasons = {f"of {truth} that {prediction} does not have": len(observed) - len(chosen)}
    else:
        chosen = [name for name in observed if parts.get(name) == "test"]
        if not chosen:
            raise InputError(f"{fold}: no signature is in the part test; split again, with fewer folds")
        reasons = {
            f"of {truth} outside the test part of {fold}": len(observed) - len(chosen),
            f"of {prediction} outside the test part of {fold}": len(set(predicted) - set(chosen)),
        }
    known_truth = read_truth(truth, means=means, signatures=chosen)
    obs = known_truth.obs
    evaluation = match(known_truth, prediction, ignore_others=parts is not None)
    if parts is not None and means is None:
        evaluation = dataclasses.replace(
            evaluation, training_mean=_training_means(truth, known, parts, sorted(set(obs["cell"])))
        )
    notes = [f"not scored: {count:,} signatures {reason}" for reason, count in reasons.items() if count]
    if fold is not None and means is not None:
        notes.append(f"training means: those of {means}, not of the training part of {fold}")
    return Scored(
        score(chosen, evaluation, metrics),
        pl.Series("signature", chosen),
        _parents(obs, truth),
        notes,
    )


def _parts(fold: Path, observed: Sequence[str], truth: Path) -> dict[str, str]:
    """Return the part of each signature of a fold, all of which must be observed."""
    columns = ["signature", "part"]
    table = schemas.check(tables.read(fold, columns, ids=columns)[columns], schemas.Fold, str(fold))
    missing = set(table["signature"]) - set(observed)
    if missing:
        raise InputError(
            f"{fold}: signature {min(missing)!r} is not in {truth} ({len(missing)} of {len(table)} are not); "
            "give the split of these signatures"
        )
    if not (table["part"] == "train").any():
        raise InputError(f"{fold}: no signature is in the part train; split again, with fewer folds")
    return dict(table.select("signature", "part").iter_rows())


def _training_means(truth: Path, known: pl.DataFrame, parts: dict[str, str], cells: list[str]) -> np.ndarray:
    """Return the mean training profile of some cell lines: (cells, genes) float32."""
    signatures = known.select(
        pl.col("cell").cast(pl.String),
        part=pl.Series([parts.get(name) for name in names_of(known, "signature", truth)], dtype=pl.String),
    )
    means, rows = mean_profiles(truth, signatures, signatures.select("cell").unique().sort("cell"))
    return means[[rows["cell"].to_list().index(cell) for cell in cells]]


def _parents(obs: pl.DataFrame, truth: Path) -> pl.Series | None:
    """Return the parent molecule of each signature; one without is an InputError."""
    if "parent" not in obs.columns:
        return None
    missing = obs.filter(pl.col("parent").is_null()).to_series(0)
    if len(missing):
        raise InputError(
            f"{truth}: signature {missing[0]!r} has no parent; fill or remove the column `parent`"
        )
    return obs["parent"].cast(pl.String)


def summary(scored: Scored, metrics: Sequence[str], *, resamples: int, seed: int) -> tuple[Table, list[str]]:
    """Return the mean and 95 % interval of each metric, and the notes, and lines on what is undefined."""
    over = "signatures" if scored.parents is None else "parents"
    clusters = (scored.signatures if scored.parents is None else scored.parents).to_numpy()
    table = Table(caption=f"{len(scored.signatures)} signatures; 95 % interval over {over}")
    for heading in ("metric", "mean", "95 % interval", "best", "chance", "defined"):
        table.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    lines = list(scored.notes)
    for name, info in value_infos(metrics).items():
        value = scored.values.filter(pl.col("metric") == name)["value"].to_numpy()
        interval = clustered_interval(value, clusters, resamples=resamples, rng=np.random.default_rng(seed))
        table.add_row(
            name,
            _number(interval.mean),
            "-" if np.isnan(interval.low) else f"{_number(interval.low)} to {_number(interval.high)}",
            f"{info.best:g}",
            "" if info.chance is None else f"{info.chance:.3g}",
            str(interval.values),
        )
        if interval.dropped:
            lines.append(f"{name}: undefined for {interval.dropped} signatures ({info.undefined})")
    return table, lines


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
