"""Read the wells behind the signatures (instinfo_beta.txt), and halve the vehicle wells of each plate.

One half is subtracted from treated wells, the other makes the baselines that models read: a well in both
would put its noise into input and target, and inflate every correlation between them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import (
    LOOKED,
    MISSING,
    ROW,
    header,
    identified,
    looked_through,
    require,
    scanned,
)
from perturbkg.io.scripting import progress
from perturbkg.signatures import Genes
from perturbkg.signatures._fields import known
from perturbkg.signatures._gctx import profiles, samples_of
from perturbkg.signatures._siginfo import TRUTH

COLUMNS = {"sample_id": "sample", "det_plate": "plate", "cell_iname": "cell", "pert_type": "pert_type"}
VEHICLE = "ctl_vehicle"
BASELINE, TARGET = 0, 1  # halves of the vehicle wells of a plate
HALVES = {BASELINE: "baselines", TARGET: "targets"}

Tally = list[tuple[str, int]]


def read_wells(path: Path, choose: Callable[[pl.LazyFrame], pl.LazyFrame]) -> tuple[pl.DataFrame, Tally]:
    """Return sample, plate, cell, pert_type and qc_pass of the wells that `choose` keeps, and what was lost.

    `qc_pass` is true where the table does not say. Two different rows for one sample are an InputError.
    """
    found = header(path)
    require(path, found, list(COLUMNS))
    passes = pl.col("qc_pass") if "qc_pass" in found else pl.lit(None, pl.String)
    with scanned(path, missing=MISSING) as rows:
        wells = (
            looked_through(rows, [pl.col(ROW).cast(pl.Int64).alias("row"), *COLUMNS, passes.alias("qc_pass")])
            .pipe(choose)
            .collect(engine="streaming")
            .drop(LOOKED)
            .with_columns(known(pl.col(pl.String)))
        )
    wrong = wells.filter(~pl.col("qc_pass").is_in(list(TRUTH))).sort("row")
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong['row'][0]}: qc_pass is {wrong['qc_pass'][0]!r}, not 1, 0 or empty; "
            "fix the row"
        )
    once = wells.sort("row").unique(pl.exclude("row"), keep="first", maintain_order=True)
    tally = [("read", len(wells)), ("repeated row", len(wells) - len(once))]
    once = identified(once, "sample_id", path).rename(COLUMNS)
    passed = pl.col("qc_pass").replace_strict(TRUTH, default=1, return_dtype=pl.Int8) == 1
    return once.drop("row").with_columns(qc_pass=passed), tally


def vehicle_wells(instinfo: Path, level3_ctl: Path) -> tuple[pl.DataFrame, Tally]:
    """Return sample, plate, cell and half of the usable vehicle wells, and what was lost."""
    wells, tally = read_wells(instinfo, lambda rows: rows.filter(pl.col("pert_type") == VEHICLE))
    for reason, keep in {
        "no plate or cell line": pl.col("plate").is_not_null() & pl.col("cell").is_not_null(),
        "qc_pass is 0": pl.col("qc_pass"),
        "not in the matrix": pl.col("sample").is_in(samples_of(level3_ctl).implode()),
    }.items():
        before, wells = len(wells), wells.filter(keep)
        tally.append((reason, before - len(wells)))
    if wells.is_empty():
        raise InputError(
            f"{instinfo}: no usable well of pert_type {VEHICLE} has a profile in {level3_ctl}; "
            "give the files of one release"
        )
    halves = halved(wells).select("sample", "plate", "cell", "half")
    for half, name in HALVES.items():
        tally.append((f"kept for {name}", int((halves["half"] == half).sum())))
    return halves, tally


def halved(wells: pl.DataFrame) -> pl.DataFrame:
    """Sort wells by sample and add `half`: by turns BASELINE and TARGET within a plate and cell line.

    ASSUME by turns in the order of their ids, which are those of their places, the halves are spread alike
    over a plate. A single well makes a baseline: a plate needs one in each half to be of use to a target.
    """
    turn = pl.int_range(pl.len()).over("plate", "cell")
    return wells.sort("sample").with_columns(half=(turn % 2).cast(pl.Int8))


def mean_profiles(path: Path, samples: pl.Series, groups: np.ndarray, genes: Genes) -> np.ndarray:
    """Return the mean profile (groups, genes) float32 of the samples of each group, numbered from 0."""
    wells = np.bincount(groups)
    sums = np.zeros((len(wells), len(genes.entrez)))
    with progress(total=len(samples), desc=path.name, unit=" wells") as bar:
        for rows, block in profiles(path, samples, genes):
            add_to(sums, groups[rows], block)
            bar.update(len(rows))
    return (sums / wells[:, None]).astype(np.float32)


def add_to(sums: np.ndarray, groups: np.ndarray, block: np.ndarray) -> None:
    """Add the rows of a block (n, genes) to the rows `groups` (n,) of `sums` (groups, genes) float64."""
    order = np.argsort(groups, kind="stable")
    sorted_groups = groups[order]
    first = np.flatnonzero(np.diff(sorted_groups, prepend=-1))
    sums[sorted_groups[first]] += np.add.reduceat(block[order], first, axis=0, dtype=np.float64)
