"""Read predictions and observations from AnnData files and match them by name; nothing is lost silently."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.matrices import places, read_labels, read_rows
from perturbkg.metrics import Evaluation


@dataclass(frozen=True)
class Truth:
    """What was observed: read once, matched with any number of predictions."""

    path: str | Path
    obs: pl.DataFrame  # of the signatures to score, in their order; the index is the first column
    genes: list[str]
    observed: np.ndarray  # (signatures, genes) float32
    cell: np.ndarray  # (signatures,) int64: row in training_mean
    training_mean: np.ndarray  # (cells, genes) float32


def read_truth(
    path: str | Path, *, means: str | Path | None = None, signatures: list[str] | None = None
) -> Truth:
    """Read observed profiles; the index of obs names a signature, that of var a gene, `cell` the cell line.

    `signatures` chooses some of them (a test part); only their rows are read. `means` is a file of mean
    training profiles, the index of its obs being the cell line; without it they are NaN, which leaves the
    metrics that need them undefined.

    Raises InputError for a missing or doubled signature, gene or cell line, and for a value that is not
    finite.
    """
    obs, var = read_labels(path, ["cell"])
    index, genes = obs.columns[0], names_of(var, "gene", path)
    rows = _positions(names_of(obs, "signature", path), "signature", path)
    chosen = list(rows) if signatures is None else signatures
    for name in chosen:
        if name not in rows:
            raise InputError(f"{path}: signature {name!r} of the test part is not among the observed ones")
    row = np.array([rows[name] for name in chosen], dtype=np.int64)
    if not len(row):
        raise InputError(f"{path}: no signature to score")
    obs = obs[row].cast({index: pl.String, "cell": pl.String})
    if obs["cell"].null_count():
        without = obs[index].filter(obs["cell"].is_null())[0]
        raise InputError(f"{path}: signature {without!r} has no cell; fill in the column `cell`")
    observed = read_rows(path, row)
    _check_finite(observed, path, "signature", chosen, genes)
    cells = sorted(set(obs["cell"]))
    training_mean = np.full((len(cells), len(genes)), np.nan, dtype=np.float32)
    if means is not None:
        training_mean = _read_means(means, cells, genes)
    code = {name: number for number, name in enumerate(cells)}
    cell = np.array([code[name] for name in obs["cell"]], dtype=np.int64)
    return Truth(path, obs, genes, observed, cell, training_mean)


def match(truth: Truth, prediction: str | Path, *, ignore_others: bool = False) -> Evaluation:
    """Read a prediction in the order of the truth; both must have the same signatures and genes.

    With `ignore_others` the prediction may hold other signatures too. Raises InputError for a missing,
    doubled or additional signature or gene, for another cell line than the truth has, and for a value that is
    not finite.
    """
    obs, var = read_labels(prediction)
    names = truth.obs.to_series(0).to_list()
    row = _matched(names_of(obs, "signature", prediction), names, "signature", prediction, ignore_others)
    if "cell" in obs.columns:
        stated = obs["cell"].cast(pl.String)[row]
        for name, cell, true_cell in zip(names, stated, truth.obs["cell"], strict=True):
            if cell != true_cell:
                raise InputError(
                    f"{prediction}: signature {name!r} is of cell line {cell!r}, "
                    f"in {truth.path} of {true_cell!r}"
                )
    column = _matched(names_of(var, "gene", prediction), truth.genes, "gene", prediction)
    predicted = read_rows(prediction, row)[:, column]
    _check_finite(predicted, prediction, "signature", names, truth.genes)
    std = _read_std(obs, prediction)[row] if "std" in obs.columns else None
    return Evaluation(truth.observed, predicted, truth.cell, truth.training_mean, std)


def _read_std(obs: pl.DataFrame, path: str | Path) -> np.ndarray:
    """Return the column `std`, the error that a model expects: (signatures,) float64, NaN where empty."""
    std = obs["std"].cast(pl.Float64, strict=False)
    wrong = (std.is_null() & obs["std"].is_not_null()) | (std < 0) | std.is_infinite()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise InputError(
            f"{path}: signature {obs.to_series(0)[row]!r} has the std {obs['std'][row]!r}; write a number "
            "from 0, the root mean square error that is expected of it, or nothing"
        )
    return std.fill_null(float("nan")).to_numpy()


def _read_means(path: str | Path, cells: list[str], genes: list[str]) -> np.ndarray:
    """Return the mean training profile of each cell line: (cells, genes) float32."""
    obs, var = read_labels(path)
    rows = _positions(names_of(obs, "cell line", path), "cell line", path)
    for name in cells:
        if name not in rows:
            raise InputError(f"{path}: no mean training profile of cell line {name!r}; add it")
    column = _matched(names_of(var, "gene", path), genes, "gene", path)
    means = read_rows(path, np.array([rows[name] for name in cells]))[:, column]
    _check_finite(means, path, "cell line", cells, genes)
    return means


def names_of(labels: pl.DataFrame, what: str, path: str | Path) -> list[str]:
    """Return the first column, which is the index of obs or var, as text."""
    names = labels.to_series(0).cast(pl.String)
    if names.null_count():
        raise InputError(f"{path}: a {what} has no name; name or remove it")
    return names.to_list()


def _positions(names: list[str], what: str, path: str | Path) -> dict[str, int]:
    """Map each name to its position; a name that appears twice is an InputError."""
    position: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in position:
            where = places(path, [position[name], number])
            raise InputError(f"{path}: {what} {name!r} appears twice ({where}); remove one of them")
        position[name] = number
    return position


def _matched(
    names: list[str], wanted: list[str], what: str, path: str | Path, ignore_others: bool = False
) -> np.ndarray:
    """Return the position of each wanted name; without `ignore_others` there must be no other."""
    position = _positions(names, what, path)
    missing = [name for name in wanted if name not in position]
    if missing:
        raise InputError(
            f"{path}: {what} {missing[0]!r} is missing ({len(missing)} of {len(wanted)} are); "
            f"add it, as each {what} that is scored must be there"
        )
    known = set(wanted)
    extra = [name for name in names if name not in known]
    if extra and not ignore_others:
        raise InputError(
            f"{path}: {what} {extra[0]!r} is not among the {len(wanted)} that are scored "
            f"({len(extra)} such); remove it"
        )
    return np.array([position[name] for name in wanted], dtype=np.int64)


def _check_finite(
    profiles: np.ndarray, path: str | Path, what: str, names: list[str], genes: list[str]
) -> None:
    """Raise InputError at the first value that is not finite."""
    for row, profile in enumerate(profiles):
        finite = np.isfinite(profile)
        if not finite.all():
            column = int(finite.argmin())
            raise InputError(
                f"{path}: {what} {names[row]!r}, gene {genes[column]!r}: {profile[column]} is not finite; "
                "write a number"
            )
