"""Bring the scores of all runs into one table, and what each run took into another."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.files import read_json

IDENTITY = ["dataset", "split", "fold", "model", "ablation", "share", "seed"]


def collect(scores: Sequence[str | Path], runs: Sequence[str | Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return schemas.Scores and schemas.Runs of all runs, in the order given (the same for both lists).

    Within a dataset, split and fold every run must hold the same signatures and metrics: a model that fails
    on some would otherwise be compared on what is left. Raises InputError that names the file otherwise.
    """
    if not scores or len(scores) != len(runs):
        raise InputError(f"cannot collect {len(scores)} score tables of {len(runs)} runs")
    tables: list[pl.DataFrame] = []
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    reference: dict[tuple[Any, ...], tuple[str | Path, pl.DataFrame]] = {}
    for path, run in zip(scores, runs, strict=True):
        table, row = schemas.read(path, schemas.Scores), _row(run)
        identity = tuple(row[key] for key in IDENTITY)
        if table.select(IDENTITY).unique().rows() != [identity]:
            raise InputError(f"{path}: not the scores of the run in {run}; score the run again")
        if identity in rows:
            raise InputError(f"{path}: this run was collected before: {identity}")
        _check_same(path, table, *reference.setdefault(identity[:3], (path, table)))
        tables.append(table)
        rows[identity] = row
    columns = schemas.Runs.to_schema().columns
    table_of_runs = pl.DataFrame(
        list(rows.values()), schema={name: column.dtype.type for name, column in columns.items()}
    )
    return pl.concat(tables), table_of_runs


def _check_same(path: str | Path, table: pl.DataFrame, first_path: str | Path, first: pl.DataFrame) -> None:
    """Raise InputError unless both tables hold the same signatures and metrics in the same order."""
    keys = ["signature", "metric"]
    table, first = table.select(keys), first.select(keys)
    if table.equals(first):
        return
    for lacking, lacking_path, whole, whole_path in (
        (table, path, first, first_path),
        (first, first_path, table, path),
    ):
        missing = whole.join(lacking, on=keys, how="anti")
        if len(missing):
            signature, metric = missing.row(0)
            raise InputError(
                f"{lacking_path}: no {metric} of signature {signature!r}, which {whole_path} has "
                f"({len(missing)} such); all runs of a fold must be scored on the same signatures"
            )
    raise InputError(
        f"{path}: rows are doubled or in another order than in {first_path}; score the run again"
    )


def _row(path: str | Path) -> dict[str, Any]:
    """Take the columns of schemas.Runs out of a run.json; a missing key is an InputError."""
    run = read_json(path)
    try:
        return {
            **{key: run["identity"][key] for key in IDENTITY},
            **{f"seconds_{step}": run["seconds"][step] for step in ("load", "ablate", "fit", "predict")},
            **{key: run[key] for key in ("drugs", "peak_memory_mb", "parameters", "epochs", "threads")},
            "chosen": json.dumps(run["chosen"], sort_keys=True),
            "notes": json.dumps(run["ablation"]["notes"], sort_keys=True),
        }
    except KeyError as error:
        raise InputError(f"{path}: no key {error}; train the run again") from error
