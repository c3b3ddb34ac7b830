"""The contract of every split."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import plugins
from perturbkg.errors import InputError
from perturbkg.splits import PARTS, Split

FOLDS, VALIDATION = 5, 0.1


@dataclass(frozen=True)
class Classes(Split):
    """Put cell lines into a few classes: a split with few groups, which the contract must allow too."""

    separates_parents: ClassVar[bool] = False
    classes: int

    def groups(self, signatures: pl.DataFrame) -> pl.Series:
        """Return the class of the cell line."""
        return (signatures["cell"].str.extract(r"(\d+)").cast(pl.Int64) % self.classes).cast(pl.String)


NAMES = plugins.names("splits")
FEW = {f"{classes} classes": Classes(classes) for classes in (1, 2, 3)}
ALL = [*NAMES, *FEW]


@st.composite
def signature_tables(draw):
    """Draw 60 to 200 signatures of 30 to 60 drugs in up to 8 cell lines; parents share scaffolds unevenly."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    drugs, cells = draw(st.integers(30, 60)), draw(st.integers(8, 12))
    parent = np.sort(rng.integers(0, max(drugs * 2 // 3, 20), drugs))
    scaffold_of = rng.integers(0, 25, drugs)
    drug = np.concatenate([np.arange(drugs), rng.integers(0, drugs, draw(st.integers(30, 140)))])
    return pl.DataFrame(
        {
            "signature": [f"S{i}" for i in range(len(drug))],
            "drug": [f"BRD-{d}" for d in drug],
            "cell": [f"C{c}" for c in rng.integers(0, cells, len(drug))],
            "parent": [f"P{parent[d]}" for d in drug],
            "scaffold": ["" if scaffold_of[parent[d]] < 5 else f"ring{scaffold_of[parent[d]]}" for d in drug],
        }
    )


def made(name):
    return FEW[name] if name in FEW else plugins.create("splits", name)


def has_too_few_groups(name, table):
    """Return whether there are fewer groups than parts, which the split must refuse in one line."""
    split = made(name)
    if split.groups(table).n_unique() >= len(PARTS):
        return False
    with pytest.raises(InputError) as caught:
        split.assign(table, 2, VALIDATION, np.random.default_rng(1))
    assert "\n" not in str(caught.value)
    return True


def assigned(name, table, seed=1):
    """Return signature, fold, part of every signature in every fold, of which there are FOLDS if possible."""
    split = made(name)
    folds = min(FOLDS, split.groups(table).n_unique())
    parts = split.assign(table, folds, VALIDATION, np.random.default_rng(seed))
    assert len(parts) == folds
    return pl.concat(
        pl.DataFrame({"signature": table["signature"], "fold": fold, "part": part})
        for fold, part in enumerate(parts)
    ).join(table, on="signature", maintain_order="left")


@pytest.mark.parametrize("name", NAMES)
def test_class(name):
    cls = plugins.load("splits", name)
    assert issubclass(cls, Split)
    assert isinstance(cls.separates_parents, bool)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25)
@given(table=signature_tables())
def test_every_group_is_tested_once_and_never_divided(name, table):
    groups = made(name).groups(table).alias("group")
    assert groups.dtype == pl.String and groups.null_count() == 0
    if has_too_few_groups(name, table):
        return
    parts = assigned(name, table).join(
        table.select("signature", groups), on="signature", maintain_order="left"
    )
    assert set(parts["part"]) <= {*PARTS, "left_out"}
    per_fold = parts.filter(pl.col("part") != "left_out").group_by("fold", "group")
    assert per_fold.agg(pl.col("part").n_unique())["part"].to_list() == [1] * per_fold.len().height
    tested = parts.filter(part="test").group_by("signature").len()
    assert tested.height == table.height and (tested["len"] == 1).all()
    for _, fold in parts.group_by("fold"):
        assert set(PARTS) <= set(fold["part"])


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25)
@given(table=signature_tables())
def test_parents_are_separate_if_promised(name, table):
    if has_too_few_groups(name, table):
        return
    shared = (
        assigned(name, table)
        .filter(pl.col("part") != "left_out")
        .group_by("fold", "parent")
        .agg(pl.col("part").n_unique())
        .filter(pl.col("part") > 1)
    )
    if made(name).separates_parents:
        assert shared.is_empty()


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15)
@given(table=signature_tables(), seed=st.integers(0, 1000))
def test_row_order_does_not_matter(name, table, seed):
    if has_too_few_groups(name, table):
        return
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    key = ["fold", "signature"]
    assert assigned(name, table).sort(key).equals(assigned(name, shuffled).sort(key))


@pytest.mark.parametrize("name", ALL)
def test_the_seed_changes_the_folds(name):
    # Many groups of equal size for any kind of split: with unequal sizes the seed has less effect.
    number = np.arange(400)
    table = pl.DataFrame({"signature": [f"S{i}" for i in number]}).with_columns(
        **{
            column: pl.Series([f"{column}{i % size}" for i in number])
            for column, size in {"drug": 80, "cell": 25, "parent": 40, "scaffold": 40}.items()
        }
    )
    if has_too_few_groups(name, table):
        return
    first = assigned(name, table, 1)
    assert first.equals(assigned(name, table, 1))
    # A few groups may get the same folds from two seeds, and groups of different sizes from all.
    sizes = made(name).groups(table).value_counts()["count"]
    if sizes.n_unique() < len(sizes):
        assert any(not first.equals(assigned(name, table, seed)) for seed in range(2, 20))
