"""How groups are assigned to folds, and what is refused."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.splits import LeakageError, Split, deal


def table(scaffolds, parents=None):
    """Make one signature per scaffold, each with its own parent unless given."""
    n = len(scaffolds)
    return pl.DataFrame(
        {
            "signature": [f"S{i:03d}" for i in range(n)],
            "drug": [f"BRD-{i}" for i in range(n)],
            "cell": "A375",
            "parent": parents or [f"P{i}" for i in range(n)],
            "scaffold": scaffolds,
        }
    )


def test_deal_by_hand():
    # Sizes 4, 3, 2, 1 into two equal bins: 4 | 3, then 2 joins 3, then 1 joins 4.
    groups = pl.Series(["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d"])
    assert deal(groups, [0.5, 0.5], np.random.default_rng(0)) == {"a": 0, "b": 1, "c": 1, "d": 0}


def test_deal_in_proportion():
    # 3 to 1, four groups of 2: with the next group the bins would hold 2/3 | 2, 4/3 | 2, 2 | 2, 8/3 | 2.
    groups = pl.Series(list("aabbccdd"))
    dealt = deal(groups, [3, 1], np.random.default_rng(0))
    assert sorted(dealt.values()) == [0, 0, 0, 1]


def test_deal_leaves_no_bin_empty_if_there_are_enough_groups():
    groups = pl.Series(["a"] * 50 + ["b"] * 50)
    assert sorted(deal(groups, [99, 1], np.random.default_rng(0)).values()) == [0, 1]


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=40), bins=st.integers(2, 6), seed=st.integers(0)
)
def test_equal_bins_differ_by_at_most_the_largest_group(sizes, bins, seed):
    groups = pl.Series([f"g{i}" for i, size in enumerate(sizes) for _ in range(size)])
    dealt = deal(groups, [1 / bins] * bins, np.random.default_rng(seed))
    loads = [sum(size for i, size in enumerate(sizes) if dealt[f"g{i}"] == b) for b in range(bins)]
    assert sum(loads) == sum(sizes)
    assert max(loads) - min(loads) <= max(sizes)


def test_validation_is_a_share_of_all_signatures():
    parts = plugins.create("splits", "random").assign(table([""] * 200), 5, 0.1, np.random.default_rng(0))
    for part in parts:
        counts = dict(part.value_counts().iter_rows())
        assert counts == {"train": 140, "validation": 20, "test": 40}


def test_scaffold_groups_by_hand():
    signatures = table(["c1ccccc1", "", "c1ccccc1", "", ""], parents=["P1", "P2", "P3", "P2", "P4"])
    groups = plugins.create("splits", "scaffold").groups(signatures)
    assert groups.to_list() == [
        "scaffold:c1ccccc1",
        "parent:P2",
        "scaffold:c1ccccc1",
        "parent:P2",
        "parent:P4",
    ]


def test_random_groups_by_hand():
    assert plugins.create("splits", "random").groups(table(["", ""])).to_list() == ["S000", "S001"]


def test_doses_of_a_pair_are_one_random_group_named_by_the_first():
    signatures = table(["", "", "", ""], parents=["P", "Q", "P", "P"]).with_columns(
        cell=pl.Series(["A", "A", "A", "B"])
    )
    groups = plugins.create("splits", "random").groups(signatures)
    assert groups.to_list() == ["S000", "S001", "S000", "S003"]


def test_large_scaffolds_are_spread():
    # Five scaffolds of 20 signatures and a hundred of one: each fold tests one large scaffold.
    signatures = table([f"ring{i // 20}" for i in range(100)] + [f"single{i}" for i in range(100)])
    for part in plugins.create("splits", "scaffold").assign(signatures, 5, 0.1, np.random.default_rng(0)):
        tested = signatures.filter(part == "test")["scaffold"]
        assert tested.str.starts_with("ring").sum() == 20
        assert len(tested) == 40


@pytest.mark.parametrize(
    ("groups", "folds", "message"),
    [
        (1, 5, "fold 1 of 5: no test signature, as 18 signatures form 1 groups"),
        (2, 3, "fold 2 of 3: no test signature, as 18 signatures form 2 groups"),
        (2, 2, "fold 0: no validation signature"),
    ],
)
def test_a_fold_without_a_part_is_one_line(groups, folds, message):
    signatures = table([f"ring{i % groups}" for i in range(18)])
    with pytest.raises(InputError, match=message + ".*; take fewer folds.*looser filters$") as caught:
        plugins.create("splits", "scaffold").assign(signatures, folds, 0.1, np.random.default_rng(0))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("folds", "validation"), [(1, 0.1), (5, 0.0), (5, 0.8), (2, 0.6)])
def test_impossible_shares_are_refused(folds, validation):
    with pytest.raises(InputError, match=rf"folds: {folds}, validation: {validation}"):
        plugins.create("splits", "random").assign(
            table([""] * 50), folds, validation, np.random.default_rng(0)
        )


def test_a_split_that_cuts_a_parent_is_a_defect():
    @dataclass(frozen=True)
    class Careless(Split):
        separates_parents: ClassVar[bool] = True

        def groups(self, signatures):
            return signatures["signature"]

    signatures = table(["ring"] * 40, parents=["TWICE"] * 20 + [f"P{i}" for i in range(20)])
    with pytest.raises(LeakageError, match="fold 0: 1 parent molecules are in two parts: TWICE"):
        Careless().assign(signatures, 4, 0.2, np.random.default_rng(0))
