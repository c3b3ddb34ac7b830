"""Merge the signatures of one molecule, cell line, dose and time into one.

Reads the selection, already joined with drugs.parquet; plans what goes into what before a profile is read,
then reduces the profiles as they come from disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.scratch import Scratch
from perturbkg.io.tallies import counted

STAGE = "read_signatures"
RULES = ("modz", "mean", "none")
SAME = ("parent", "cell", "dose_um", "time_h", "alone")
FLOOR = 0.01  # of a weight before normalising, as in MODZ (Subramanian et al. 2017)
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Merging:
    """Which signatures become one, with which weights. Members of a signature are together, in its order."""

    signatures: pl.DataFrame  # labels of what comes out, sorted by id
    members: pl.DataFrame  # schemas.MergedSignatures
    counts: pl.DataFrame  # schemas.Counts
    place: np.ndarray  # (selected,) the place of each row of the selection among the members
    starts: np.ndarray  # (signatures + 1,) the first member of each signature, and the end
    weights: np.ndarray  # (selected,) of the members, by place

    def reduced(self, scratch: Scratch) -> Iterator[np.ndarray]:
        """Yield blocks of the signatures' profiles float32; `scratch` holds the members' by place."""
        start, count = 0, len(self.starts) - 1
        while start < count:
            end = np.searchsorted(self.starts, self.starts[start] + ROWS_AT_ONCE, "right") - 1
            stop = max(start + 1, int(end))
            first, last = int(self.starts[start]), int(self.starts[stop])
            block = scratch.read(first, last)
            if last - first > stop - start:
                weighted = block * self.weights[first:last, None]
                block = np.add.reduceat(weighted, self.starts[start:stop] - first, axis=0).astype(np.float32)
            yield block
            start = stop


def plan_merging(selection: pl.DataFrame, drugs: pl.DataFrame, rule: str, dose_um: float | None) -> Merging:
    """Plan what merges by `rule`; `dose_um` is the dose that the filters asked for, if they did.

    A merged signature is called by its first member, and its numbers are weighted means (replicates: the
    sum), null where a member's is unknown. Its drug is a member's that the knowledge graph knows, else one
    with targets, else the first. ASSUME any drug of a parent molecule represents the others: its salts, and
    its stereoisomers too, which the splits keep together for the same reason.
    """
    if rule not in RULES:
        raise InputError(f"merge_signatures: unknown rule {rule!r}; known are {', '.join(RULES)}")
    table = _grouped(selection, drugs, rule, dose_um)
    place = np.empty(len(table), np.int64)
    place[table["row"].to_numpy()] = np.arange(len(table))
    first = table["first"].rle_id().to_numpy()
    starts = np.searchsorted(first, np.arange(first[-1] + 2 if len(first) else 1))
    size = np.diff(starts)
    weights, by_correlation = _weights(table["replicate_correlation"].to_numpy(), starts, rule)
    several = size > 1
    signatures = _labels(table, starts, weights)
    rows = np.repeat(several, size)
    members = table.filter(rows).select(
        signature="first", member="signature", weight=pl.Series(weights[rows], dtype=pl.Float64)
    )
    weighted, plain = several & by_correlation, several & ~by_correlation
    lines = [
        ("read", len(table)),
        ("merged into another, weighted by replicate correlation", int((size[weighted] - 1).sum())),
        ("merged into another, all weighing the same", int((size[plain] - 1).sum())),
        ("kept", len(starts) - 1),
    ]
    made = [
        ("weighted by replicate correlation", int(weighted.sum())),
        ("all weighing the same", int(plain.sum())),
        ("not merged: dose or time unknown", table["alone"].count() if rule != "none" else 0),
    ]
    counts = [counted(STAGE, "merging", lines), counted(STAGE, "merged signatures", made)]
    return Merging(signatures, members, pl.concat(counts), place, starts, weights)


def _grouped(selection: pl.DataFrame, drugs: pl.DataFrame, rule: str, dose_um: float | None) -> pl.DataFrame:
    """Return the selection sorted by group and id, with row, parent, first (the group's first id) and alone.

    Under a rule that merges, doses and times become the nominal ones.
    """
    known = drugs.select(
        "drug", "parent", matched=pl.col("kg_node").is_not_null(), targeted=pl.col("targets").list.len() > 0
    )
    table = selection.with_row_index("row").join(known, on="drug", how="left", maintain_order="left")
    if rule == "none":
        return table.with_columns(first="signature", alone="row").sort("signature")
    # ASSUME: what passed the filter on dose was meant to have that dose; otherwise the nearest canonical dose
    # says what was meant, and where no table states it, doses equal to two digits.
    nominal = (
        pl.coalesce("nearest_dose_um", pl.col("dose_um").round_sig_figs(2))
        if dose_um is None
        else pl.lit(dose_um)
    )
    table = table.with_columns(dose_um=nominal.cast(pl.Float64), time_h=pl.col("time_h").round_sig_figs(6))
    unknown = pl.any_horizontal(pl.col("dose_um", "time_h").is_null())
    table = table.with_columns(alone=pl.when(unknown).then("row"))
    return table.with_columns(first=pl.col("signature").min().over(SAME)).sort("first", "signature")


def _weights(correlation: np.ndarray, starts: np.ndarray, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the members, and of which signatures they come from replicate correlations.

    ASSUME: as MODZ weighs a replicate by its correlation with the others, a signature is weighed by the
    correlation of its own replicates (cc_q75), which says how well it was measured.
    """
    size = np.diff(starts)
    weights = np.maximum(correlation, FLOOR)  # NaN stays
    sums = np.add.reduceat(weights, starts[:-1]) if len(size) else np.empty(0)
    by_correlation = np.isfinite(sums) & (rule == "modz")
    plain = np.repeat(~by_correlation, size)
    weights = np.where(plain, 1.0, weights) / np.repeat(np.where(by_correlation, sums, size), size)
    return weights, by_correlation


def _labels(table: pl.DataFrame, starts: np.ndarray, weights: np.ndarray) -> pl.DataFrame:
    """Return the labels of what comes out: schemas.Selection without the nearest dose, and the parent."""
    firsts, size = table[starts[:-1]], np.diff(starts)
    columns = {"merged": pl.Series(size, dtype=pl.Int64)}
    if len(size):
        best = table.sort("first", ~pl.col("matched"), ~pl.col("targeted"), "signature")
        columns["drug"] = best["drug"][starts[:-1]]
        # Null is NaN here, so that the sum of a group with a null is one.
        for column, factor in (("tas", weights), ("replicate_correlation", weights), ("replicates", 1.0)):
            values = table[column].cast(pl.Float64).to_numpy()
            sums = pl.Series(np.add.reduceat(values * factor, starts[:-1]), nan_to_null=True)
            columns[column] = sums.cast(table.schema[column])
    order = [column for column in schemas.Selection.to_schema().columns if column != "nearest_dose_um"]
    return firsts.with_columns(**columns).select(*order, "parent")
