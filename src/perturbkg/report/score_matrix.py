"""Lay scores out for statistics: one matrix per split and metric, test signatures by runs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.metrics import value_infos

# ASSUME: a delta of 2 or more is a response; the threshold of the metric auprc_deg too.
ACTIVE_DELTA = 2.0


@dataclass(frozen=True)
class ScoreMatrix:
    """The scores of one metric on one split, every run beside every other on the same test signatures."""

    split: str
    metric: str
    rows: pl.DataFrame  # (rows,): fold, signature, parent, and the strata of the signature
    parent: np.ndarray  # (rows,) int64 codes of the parents
    runs: list[tuple[str, str, int]]  # model, ablation, seed of each column
    values: np.ndarray  # (rows, runs) float64, NaN where undefined or not run

    @cached_property
    def over_seeds(self) -> dict[tuple[str, str], np.ndarray]:
        """Return (model, ablation) -> (rows,) mean over seeds, NaN where no seed has a value."""
        found = {}
        for key in sorted({run[:2] for run in self.runs}):
            columns = self.values[:, [run[:2] == key for run in self.runs]]
            defined = ~np.isnan(columns)
            total = np.where(defined, columns, 0.0).sum(axis=1)
            found[key] = np.divide(
                total, defined.sum(axis=1), out=np.full(len(total), np.nan), where=defined.any(axis=1)
            )
        return found

    @cached_property
    def untouched(self) -> dict[str, np.ndarray]:
        """Return model -> (rows,) mean over seeds of the models without an ablation."""
        return {model: values for (model, ablation), values in self.over_seeds.items() if ablation == "none"}


def describe_signatures(
    delta: np.ndarray, signatures: pl.DataFrame, drugs: pl.DataFrame, test_drugs: pl.DataFrame
) -> pl.DataFrame:
    """Return one row per (split, fold, signature that may be tested there): drug, cell, parent, strata.

    `delta` is (signatures, 978) beside `signatures` (obs of signatures.h5ad); `test_drugs` has the columns
    of schemas.TestDrugs after split and fold.
    """
    known = signatures.select("signature", "drug", "cell").with_columns(
        active=(np.abs(delta) >= ACTIVE_DELTA).sum(axis=1).astype(np.int64)
    )
    known = known.join(drugs.select("drug", "parent"), on="drug", how="left", maintain_order="left")
    lost = known.filter(pl.col("parent").is_null())
    if lost.height:
        raise InputError(
            f"drugs.parquet: no drug {lost['drug'][0]!r}, which signature {lost['signature'][0]!r} names; "
            "make both tables again"
        )
    return known.join(test_drugs.select("split", "fold", "drug", "similarity", "has_target"), on="drug").sort(
        "split", "fold", "signature"
    )


def make_matrices(scores: pl.DataFrame, described: pl.DataFrame) -> list[ScoreMatrix]:
    """Lay schemas.Scores out as one ScoreMatrix per split and metric, sorted.

    Raises InputError for more than one data set, an unknown metric, a score given twice, or a signature that
    `described` lacks.
    """
    datasets = scores["dataset"].unique().cast(pl.String).sort().to_list()
    if len(datasets) != 1:
        raise InputError(f"scores.parquet: data sets {datasets}, expected one; collect each on its own")
    parts = scores.select(
        "split", "metric", "model", "ablation", "seed", "fold", "signature", "value"
    ).partition_by("split", "metric", as_dict=True)
    described_by_split = described.partition_by("split", as_dict=True)
    unknown = sorted({str(metric) for _, metric in parts} - set(value_infos()))
    if unknown:
        raise InputError(
            f"scores.parquet: metric {unknown[0]!r} is not one of {', '.join(sorted(value_infos()))}"
        )
    matrices = []
    for split, metric in sorted(parts):
        known = described_by_split.get((split,), described.clear())
        matrices.append(_make_matrix(str(split), str(metric), parts[split, metric], known))
    return matrices


def _make_matrix(split: str, metric: str, part: pl.DataFrame, known: pl.DataFrame) -> ScoreMatrix:
    """Spread the scores of one split and metric over a matrix of test signatures by runs."""
    # The categories become strings only once per distinct row and run: there are millions of scores.
    rows = part.select("fold", "signature").unique()
    rows = (
        rows.with_columns(name=pl.col("signature").cast(pl.String)).sort("fold", "name").with_row_index("at")
    )
    runs = part.select("model", "ablation", "seed").unique()
    runs = runs.with_columns(pl.col("model", "ablation").cast(pl.String).name.prefix("name_"))
    runs = runs.sort("name_model", "name_ablation", "seed").with_row_index("column")
    placed = part.join(rows, on=["fold", "signature"]).join(runs, on=["model", "ablation", "seed"])
    at, column = placed["at"].to_numpy(), placed["column"].to_numpy()
    times = np.bincount(at.astype(np.int64) * runs.height + column, minlength=rows.height * runs.height)
    if times.max() > 1:
        first = rows["name"][int(times.argmax()) // runs.height]
        raise InputError(
            f"scores.parquet: {split}, {metric}, signature {first!r} is scored twice; collect again"
        )
    values = np.full((rows.height, runs.height), np.nan)
    values[at, column] = placed["value"].fill_null(float("nan")).to_numpy()
    full = rows.select("fold", signature="name").join(
        known, on=["fold", "signature"], how="left", maintain_order="left"
    )
    lost = full.filter(pl.col("parent").is_null())
    if lost.height:
        raise InputError(
            f"scores.parquet: signature {lost['signature'][0]!r} is scored in {split} fold "
            f"{lost['fold'][0]}, but its drug is not among the test drugs there; make splits and scores again"
        )
    parent = np.unique(full["parent"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    names = list(runs.select("name_model", "name_ablation", "seed").iter_rows())
    return ScoreMatrix(split, metric, full, parent, names, values)
