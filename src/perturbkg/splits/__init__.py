"""Splits: each file says which signatures belong together, in training or in test."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.errors import InputError

PARTS = ("train", "validation", "test")


class LeakageError(Exception):
    """A defect of a split: it puts what must stay together into two parts of a fold."""


@dataclass(frozen=True)
class Split(ABC):
    """Cut signatures into folds. `assign` is the contract; most splits only name their `groups`."""

    separates_parents: ClassVar[bool]  # whether the parts may share no parent molecule

    @abstractmethod
    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the group (str) of each signature that must never be cut.

        `signatures` has the columns signature, drug, cell, parent, scaffold.
        """

    def assign(
        self, signatures: pl.DataFrame, folds: int, validation: float, rng: np.random.Generator
    ) -> list[pl.Series]:
        """Return for each fold the part of each signature: train, validation, test or left_out.

        Each group is in test once. `validation` is a share of all signatures; it is chosen in each fold
        from the groups that are not in test. The order of the rows does not matter. Raises InputError for a
        fold without a signature in some part, LeakageError for a parent in two parts.
        """
        if folds < 2 or not 0 < validation < 1 - 1 / folds:
            raise InputError(
                f"folds: {folds}, validation: {validation}: nothing is left to train on; "
                "take two folds or more, and a validation share between 0 and 1 - 1/folds"
            )
        groups = self.groups(signatures)
        fold_of = deal(groups, [1 / folds] * folds, rng)
        if len(fold_of) < folds:
            raise InputError(
                f"fold {len(fold_of)} of {folds}: no test signature, as {len(groups)} signatures form "
                f"{len(fold_of)} groups; take fewer folds or looser filters"
            )
        test_fold = groups.replace_strict(fold_of, return_dtype=pl.Int64)
        parts = []
        for fold in range(folds):
            rest = groups.filter(test_fold != fold)
            train = max(len(rest) - validation * len(groups), 1.0)
            part_of = deal(rest, [train, validation * len(groups)], rng)
            part_of |= {group: 2 for group, number in fold_of.items() if number == fold}
            part = groups.replace_strict(
                {group: PARTS[number] for group, number in part_of.items()}, return_dtype=pl.String
            ).alias("part")
            check_parts(signatures, part, fold, self.separates_parents)
            parts.append(part)
        return parts


def deal(groups: pl.Series, shares: Sequence[float], rng: np.random.Generator) -> dict[str, int]:
    """Return the bin of each group, bins filled in proportion to their shares.

    The groups are sorted, then shuffled, then taken largest first (equal sizes in shuffled order), each into
    the bin that is relatively least full with it, the first of equals; the last groups go to bins that are
    still empty. So bins get alike mixtures of large and small groups, and bins of equal shares differ by at
    most the largest group.
    """
    sizes = groups.alias("group").value_counts().sort("group")
    sizes = sizes[rng.permutation(len(sizes))].sort("count", descending=True, maintain_order=True)
    loads = [0] * len(shares)
    dealt = {}
    for left, (group, size) in zip(range(len(sizes), 0, -1), sizes.iter_rows(), strict=True):
        bins: Sequence[int] = range(len(shares))
        if left <= loads.count(0):
            bins = [b for b in bins if loads[b] == 0]
        bin_ = min(bins, key=lambda b: (loads[b] + size) / shares[b])
        loads[bin_] += size
        dealt[group] = bin_
    return dealt


def check_parts(signatures: pl.DataFrame, part: pl.Series, fold: int, separates_parents: bool) -> None:
    """Raise InputError if a part of a fold is empty, LeakageError if two parts share a parent."""
    for name in PARTS:
        if not (part == name).any():
            raise InputError(
                f"fold {fold}: no {name} signature, as {len(signatures)} signatures form too few groups; "
                "take fewer folds, another validation share, or looser filters"
            )
    if separates_parents:
        shared = (
            signatures.with_columns(part)
            .filter(pl.col("part").is_in(PARTS))
            .group_by("parent")
            .agg(pl.col("part").n_unique())
            .filter(pl.col("part") > 1)["parent"]
            .sort()
        )
        if len(shared):
            raise LeakageError(
                f"fold {fold}: {len(shared)} parent molecules are in two parts: {', '.join(shared[:5])}"
            )
