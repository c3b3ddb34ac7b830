"""Shares of the training groups: whole, nested, and nothing else changes."""

import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import write_matrix
from perturbkg.splits._shares import share_folder, share_of, take_share

SCRIPT = Path(__file__).parents[3] / "scripts/take_share.py"
SHARES = (0.125, 0.25, 0.5, 1.0)


class InOrder:
    """A generator that shuffles nothing, for working by hand."""

    def permutation(self, values):
        return values


def test_by_hand():
    # Training groups are a (two signatures), b, c, d: half of them are a and b, whatever their sizes.
    groups = pl.Series(list("dacabve"))
    part = pl.Series(["train"] * 5 + ["validation", "test"])
    half = ["left_out", "train", "left_out", "train", "train", "validation", "test"]
    assert take_share(groups, part, 0.5, InOrder()).to_list() == half
    assert take_share(groups, part, 0.3, InOrder()).to_list().count("train") == 2  # 1.2 groups: a alone
    assert take_share(groups, part, 1.0, InOrder()).to_list() == part.to_list()


@given(
    groups=st.lists(st.integers(0, 40), min_size=40, max_size=120),
    parts=st.lists(st.sampled_from(["train", "validation", "test", "left_out"]), min_size=41, max_size=41),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_shares_are_nested_whole_groups_whatever_the_order_of_the_rows(groups, parts, seed, data):
    parts[0] = "train"
    table = pl.DataFrame({"group": [f"g{group}" for group in [0, *groups]], "row": range(len(groups) + 1)})
    table = table.with_columns(part=pl.Series([parts[group] for group in [0, *groups]]))
    trained = table.filter(part="train")["group"].n_unique()
    before: set[str] = set()
    for share in [share for share in SHARES if round(share * trained)]:
        part = take_share(table["group"], table["part"], share, np.random.default_rng(seed))
        taken = table.with_columns(taken=part)
        kept = set(taken.filter(taken="train")["group"])
        assert before <= kept and len(kept) == round(share * trained)
        assert taken.filter(pl.col("group").is_in(kept))["taken"].unique().to_list() == ["train"]
        changed = taken.filter(pl.col("taken") != pl.col("part"))
        assert set(changed["part"]) <= {"train"} and set(changed["taken"]) <= {"left_out"}
        before = kept
        order = data.draw(st.permutations(range(table.height)))
        other = take_share(table["group"][order], table["part"][order], share, np.random.default_rng(seed))
        assert other.to_list() == part[order].to_list()
    assert before == set(table.filter(part="train")["group"])


def test_a_share_without_a_group_is_one_line():
    with pytest.raises(InputError, match=r"^train_share: 0\.1 of 4 training groups is not a whole one"):
        take_share(pl.Series(list("abcd")), pl.Series(["train"] * 4), 0.1, np.random.default_rng(0))


def test_the_script_keeps_scaffolds_whole(tmp_path):
    n = 12
    obs = pl.DataFrame(
        {"signature": [f"S{i}" for i in range(n)], "drug": [f"D{i}" for i in range(n)], "cell": "A375"}
    )
    drugs = pl.DataFrame(
        {
            "drug": obs["drug"],
            "name": obs["drug"],
            "smiles": "C",
            "parent": [f"P{i}" for i in range(n)],
            "scaffold": [f"ring{i // 3}" for i in range(n)],
            "targets": [[]] * n,
            "kg_node": pl.Series([None] * n, dtype=pl.String),
            "match": pl.Series([None] * n, dtype=pl.String),
        },
        schema_overrides={"targets": pl.List(pl.String)},
    )
    write_matrix(np.zeros((n, 1), np.float32), obs, pl.DataFrame({"symbol": ["G"]}), tmp_path / "s.h5ad")
    schemas.write(drugs, schemas.Drugs, tmp_path / "drugs.parquet")
    fold = obs.select("signature", part=pl.Series(["train"] * 6 + ["validation"] * 3 + ["test"] * 3))
    schemas.write(fold, schemas.Fold, tmp_path / "fold0.parquet")
    runpy.run_path(str(SCRIPT))["main"](
        signatures=tmp_path / "s.h5ad",
        drugs=tmp_path / "drugs.parquet",
        fold=tmp_path / "fold0.parquet",
        part=tmp_path / "share0.5.parquet",
        split="scaffold",
        options={},
        share=0.5,
        seed=1,
    )
    found = schemas.read(tmp_path / "share0.5.parquet", schemas.Fold)
    assert found["signature"].equals(obs["signature"])
    assert found["part"].to_list()[6:] == fold["part"].to_list()[6:]
    kept = found["part"].to_list()[:6]
    assert sorted([kept[:3], kept[3:]]) == [["left_out"] * 3, ["train"] * 3]


@pytest.mark.parametrize(("share", "folder"), [(1, ""), (0.25, "/share0.25"), (0.125, "/share0.125")])
def test_a_share_is_read_back_from_its_folder(share, folder):
    assert share_folder(share) == folder
    assert share_of(folder) == share
