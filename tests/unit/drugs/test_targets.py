"""Known targets, by hand: each statement of a source is a row, and other forms of a molecule add to them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.drugs.targets import known_targets, similar_targets
from perturbkg.errors import InputError

NODES = pl.DataFrame(
    [
        ("drug:DrugBank:DB1", "drug", "DrugBank", "DB1", "one"),
        ("drug:DrugBank:DB2", "drug", "DrugBank", "DB2", "two"),
        ("gene/protein:NCBI:1", "gene/protein", "NCBI", "1", "EGFR"),
        ("gene/protein:NCBI:2", "gene/protein", "NCBI", "2", "C1orf2"),
        ("gene/protein:NCBI:3", "gene/protein", "NCBI", "3", "TWIN"),
        ("gene/protein:NCBI:4", "gene/protein", "NCBI", "4", "TWIN"),
        ("disease:MONDO:1", "disease", "MONDO", "1", "EGFR"),
    ],
    schema=["node", "type", "source", "source_id", "name"],
    orient="row",
).with_columns(index=pl.lit(None, pl.Int64))
EDGES = pl.DataFrame(
    [
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:1", "primekg:target"),
        ("drug_protein", "gene/protein:NCBI:4", "drug:DrugBank:DB1", "primekg:enzyme;primekg:target"),
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:2", "primekg:carrier;primekg:transporter"),
        ("drug_protein", "drug:DrugBank:DB2", "gene/protein:NCBI:1", "primekg:enzyme"),
        ("drug_protein", "drug:DrugBank:DB2", "gene/protein:NCBI:3", "primekg:target"),
        ("indication", "disease:MONDO:1", "drug:DrugBank:DB2", "primekg:indication"),
    ],
    schema=["relation", "head", "tail", "provenance"],
    orient="row",
)


def drugs(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    """Make schemas.Drugs of (drug, parent, kg_node)."""
    return pl.DataFrame(
        [(drug, drug, "C", parent, "", [], node, node and "xref") for drug, parent, node in rows],
        schema=dict(
            zip(
                ("drug", "name", "smiles", "parent", "scaffold", "targets", "kg_node", "match"),
                (*[pl.String] * 5, pl.List(pl.String), *[pl.String] * 2),
                strict=True,
            )
        ),
        orient="row",
    )


def library(*rows: tuple[str, str, list[str]]) -> pl.DataFrame:
    """Make schemas.Library of (molecule, parent, targets)."""
    return pl.DataFrame(
        [(molecule, "C", parent, targets) for molecule, parent, targets in rows],
        schema={
            "molecule": pl.String,
            "smiles": pl.String,
            "parent": pl.String,
            "targets": pl.List(pl.String),
        },
        orient="row",
    )


DRUGS = drugs(("a", "P", "drug:DrugBank:DB1"), ("b", "P", None), ("c", "Q", None), ("d", "R", None))
LIBRARY = library(
    ("a", "P", ["EGFR", "c1ORF2", "TWIN", "GONE"]),
    ("b", "P", []),
    ("c", "Q", []),
    ("d", "R", []),
    ("unmeasured", "P", ["GONE", "LOST"]),
    ("drug:DrugBank:DB2", "Q", []),
)


def test_by_hand() -> None:
    found, tally = known_targets(DRUGS, LIBRARY, NODES, EDGES)
    schemas.check(found, schemas.Targets, "targets")
    schemas.check(tally, schemas.Counts, "counts")
    egfr, orf, third, fourth = (f"gene/protein:NCBI:{n}" for n in (1, 2, 3, 4))
    one, two = "drug:DrugBank:DB1", "drug:DrugBank:DB2"
    assert sorted(
        found.select("drug", "target", "symbol", "match", "source", "molecule").rows(), key=str
    ) == sorted(
        [
            ("a", egfr, "EGFR", "exact", "compound table", "a"),
            ("a", orf, "c1ORF2", "caseless", "compound table", "a"),
            ("a", None, "TWIN", "ambiguous", "compound table", "a"),
            ("a", None, "GONE", "none", "compound table", "a"),
            ("a", egfr, "EGFR", "edge", "knowledge graph", one),
            ("a", fourth, "TWIN", "edge", "knowledge graph", one),
            ("a", None, "LOST", "none", "same molecule", "unmeasured"),
            ("b", egfr, "EGFR", "exact", "same molecule", "a"),
            ("b", orf, "c1ORF2", "caseless", "same molecule", "a"),
            ("b", None, "TWIN", "ambiguous", "same molecule", "a"),
            ("b", fourth, "TWIN", "edge", "same molecule", "a"),
            ("b", None, "GONE", "none", "same molecule", "a"),
            ("b", None, "LOST", "none", "same molecule", "unmeasured"),
            ("c", third, "TWIN", "edge", "same molecule", two),
        ],
        key=str,
    )
    assert tally.rows() == [
        ("impute_targets", "drugs with a known target", "read", 4),
        ("impute_targets", "drugs with a known target", "no target is known", 1),
        ("impute_targets", "drugs with a known target", "kept", 3),
        ("impute_targets", "drugs with a known target", "of these: compound table", 1),
        ("impute_targets", "drugs with a known target", "of these: knowledge graph", 1),
        ("impute_targets", "drugs with a known target", "of these: same molecule", 3),
        ("impute_targets", "known targets", "kept", 14),
        ("impute_targets", "known targets", "of these: no gene of the graph (none)", 4),
        ("impute_targets", "known targets", "of these: no gene of the graph (ambiguous)", 2),
    ]


def test_targets_of_similar_molecules_and_their_counts() -> None:
    alcohols = LIBRARY.with_columns(
        smiles=pl.col("parent").replace_strict({"P": "CCCCO", "Q": "CCCCCO", "R": "c1ccncc1"})
    )
    some = DRUGS.with_columns(
        smiles=pl.col("parent").replace_strict({"P": "CCCCO", "Q": "CCCCCO", "R": "c1ccncc1"})
    )
    found, tally = similar_targets(some, alcohols, NODES, EDGES)
    schemas.check(found, schemas.Targets, "targets")
    assert set(found["source"]) == {"similar molecules"}
    # a and b are of one parent, c of the other; what is no gene of the graph is not imputed.
    egfr, orf, third, fourth = (f"gene/protein:NCBI:{n}" for n in (1, 2, 3, 4))
    assert set(found.select("drug", "target").rows()) == {
        ("a", third),
        ("b", third),
        *(("c", target) for target in (egfr, orf, fourth)),
    }
    assert tally.rows() == [
        ("impute_targets", "molecules with known targets", "kept", 2),
        ("impute_targets", "drugs with imputed targets", "read", 4),
        ("impute_targets", "drugs with imputed targets", "no similar molecule with targets", 1),
        ("impute_targets", "drugs with imputed targets", "kept", 3),
        ("impute_targets", "imputed targets", "kept", 5),
    ]


def test_a_library_without_targets_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    empty = LIBRARY.filter(pl.col("molecule").is_in(["a", "b", "c", "d"])).with_columns(
        targets=pl.lit([], pl.List(pl.String))
    )
    unmatched = DRUGS.with_columns(kg_node=pl.lit(None, pl.String))
    found, tally = similar_targets(unmatched, empty, NODES, EDGES)
    assert found.is_empty()
    schemas.check(found, schemas.Targets, "targets")
    assert tally.filter(what="drugs with imputed targets").select("reason", "count").rows() == [
        ("read", 4),
        ("no similar molecule with targets", 4),
        ("kept", 0),
    ]
    (line,) = caplog.messages
    assert line.startswith("no molecule has a structure and a known target")
    assert "give structures (files.drug_text)" in line


def test_a_drug_that_the_library_lacks_is_named() -> None:
    with pytest.raises(InputError, match=r"library.parquet: no molecule 'd'; run prepare_drugs again"):
        known_targets(DRUGS, LIBRARY.filter(pl.col("molecule") != "d"), NODES, EDGES)


@given(
    st.lists(st.sampled_from("PQR"), min_size=1, max_size=5),
    st.lists(st.lists(st.sampled_from(["EGFR", "GONE", "C1orf2"]), max_size=3), min_size=5, max_size=5),
)
def test_forms_of_one_parent_have_the_same_targets(parents: list[str], targets: list[list[str]]) -> None:
    rows = [(f"d{n}", parent) for n, parent in enumerate(parents)]
    found, _ = known_targets(
        drugs(*[(drug, parent, None) for drug, parent in rows]),
        library(*[(drug, parent, of) for (drug, parent), of in zip(rows, targets, strict=False)]),
        NODES,
        EDGES,
    )
    by_parent: dict[str, set[str]] = {}
    for (_, parent), of in zip(rows, targets, strict=False):
        by_parent.setdefault(parent, set()).update(of)
    for drug, parent in rows:
        assert set(found.filter(drug=drug)["symbol"]) == by_parent[parent]
