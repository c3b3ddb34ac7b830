"""Targets of similar molecules: weights by hand, and what holds for any library."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.drugs.fingerprints import count_fingerprints
from perturbkg.drugs.imputation import impute
from perturbkg.drugs.similarity import count_tanimoto

# Aliphatic alcohols and an amine resemble each other; pyridine resembles none of them.
SMILES = {"P": "CCCCO", "Q": "CCCCCO", "R": "CCCCCCCO", "S": "c1ccncc1", "T": "CCCCN"}


def drugs(*parents: str) -> pl.DataFrame:
    """Make drugs (their names are those of their parents, in lower case)."""
    return pl.DataFrame(
        {"drug": [p.lower() for p in parents], "smiles": [SMILES[p] for p in parents], "parent": [*parents]}
    )


def molecules(*rows: tuple[str, str]) -> pl.DataFrame:
    """Make molecules of (parent, targets as letters), each parent's first form."""
    return pl.DataFrame(
        [
            (f"{parent}{number}", SMILES[parent], parent, f"gene:{target}", target, "exact")
            for number, (parent, targets) in enumerate(rows)
            for target in targets
        ],
        schema=["molecule", "smiles", "parent", "target", "symbol", "match"],
        orient="row",
    )


def similarity(one: str, other: str) -> float:
    counts = count_fingerprints([SMILES[one], SMILES[other]], "atoms")
    return float(count_tanimoto(counts)[0, 1])


def test_by_hand() -> None:
    library = molecules(("Q", "xy"), ("T", "y"), ("P", "z"), ("S", "w"))
    found = impute(drugs("P"), library)
    q, t = similarity("P", "Q"), similarity("P", "T")
    assert q > t > 0.3
    whole = q**4 + t**4 + 0.1**4
    # Each molecule shares its weight among its targets; the drug's own parent and pyridine say nothing.
    assert found.drop("weight", "similarity").rows() == [
        ("p", "gene:x", "x", "exact", "Q0", 1),
        ("p", "gene:y", "y", "exact", "Q0", 2),
    ]
    np.testing.assert_allclose(found["weight"], [q**4 / 2 / whole, (q**4 / 2 + t**4) / whole], rtol=1e-6)
    np.testing.assert_allclose(found["similarity"], [q, q], rtol=1e-6)


def test_forms_of_one_parent_are_one_molecule() -> None:
    once = impute(drugs("P"), molecules(("Q", "xy")))
    twice = impute(drugs("P"), molecules(("Q", "x"), ("Q", "xy")))
    assert twice.drop("molecule").equals(once.drop("molecule"))
    assert twice["molecule"].to_list() == ["Q0", "Q1"]


def test_only_the_ten_nearest_count() -> None:
    smiles = ["C" * n + "O" for n in range(4, 20)]
    library = pl.DataFrame(
        {
            "molecule": smiles,
            "smiles": smiles,
            "parent": smiles,
            "target": smiles,
            "symbol": smiles,
            "match": "exact",
        }
    )
    drug = pl.DataFrame({"drug": ["d"], "smiles": ["C" * 12 + "O"], "parent": ["d"]})
    near = count_tanimoto(
        *(count_fingerprints(table["smiles"].to_list(), "atoms") for table in (drug, library))
    )
    found = impute(drug, library)
    assert len(found) == 10
    assert found["similarity"].min() >= np.sort(near[0])[-10] - 1e-6


@pytest.mark.parametrize("library", [molecules(("S", "w")), molecules(("P", "z")), molecules()])
def test_a_drug_without_a_similar_molecule_gets_nothing(library: pl.DataFrame) -> None:
    library = library.cast({"smiles": pl.String, "parent": pl.String, "target": pl.String})
    found = impute(drugs("P"), library)
    assert found.is_empty()
    assert found.columns == [
        "drug",
        "target",
        "symbol",
        "match",
        "molecule",
        "weight",
        "similarity",
        "neighbours",
    ]


@given(st.lists(st.tuples(st.sampled_from("PQRST"), st.sampled_from(["x", "xy", "yz"])), max_size=8))
def test_weights_of_a_drug_are_below_one_and_do_not_depend_on_other_drugs(rows: list) -> None:
    library = molecules(*rows).cast(pl.String)
    every = impute(drugs(*SMILES), library)
    assert (every.group_by("drug").agg(pl.col("weight").sum())["weight"] < 1).all()
    assert (every["similarity"] >= 0.3).all()
    for parent in SMILES:
        own = every.filter(drug=parent.lower())
        assert own.equals(impute(drugs(parent), library))
        assert not own.filter(pl.col("molecule").str.starts_with(parent)).height
