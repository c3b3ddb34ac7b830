import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.drugs import standardise as module
from perturbkg.drugs.prepare import prepare
from perturbkg.drugs.standardise import Parent
from perturbkg.errors import InputError

NODES = pl.DataFrame(
    [
        ("drug:DrugBank:DB1", "drug", "DrugBank", "DB1", "Phenol"),
        ("drug:DrugBank:DB2", "drug", "DrugBank", "DB2", "Acetic acid, glacial"),
        ("gene/protein:NCBI:1", "gene/protein", "NCBI", "1", "ethanol"),
    ],
    schema=["node", "type", "source", "source_id", "name"],
    orient="row",
).with_columns(index=pl.lit(None, pl.Int64))


def compounds(*rows):
    return pl.DataFrame(
        [
            {
                "drug": drug,
                "name": name,
                "smiles": smiles,
                "inchikey": None,
                "aliases": [],
                "targets": ["B", "C"],
                "xref": [],
                "row": 10 + i,
            }
            for i, (drug, name, smiles) in enumerate(rows)
        ],
        schema={
            "drug": pl.String,
            "name": pl.String,
            "smiles": pl.String,
            "inchikey": pl.String,
            "aliases": pl.List(pl.String),
            "targets": pl.List(pl.String),
            "xref": pl.List(pl.String),
            "row": pl.Int64,
        },
    )


TABLE = compounds(
    ("d4", "phenolate", "[Na+].[O-]c1ccccc1"),
    ("d1", "phenol", "Oc1ccccc1"),
    ("d2", "ethanol", "CCO"),
    ("d3", "nothing", None),
    ("d5", "broken", "c1ccc"),
    ("d9", "unused", "also broken"),
)
USED = pl.Series(["d1", "d2", "d3", "d5", "d4", "d1", "d7"])


def counts(prepared, what):
    return dict(prepared.counts.filter(what=what).select("reason", "count").rows())


def test_worked_example():
    prepared = prepare(TABLE, USED, NODES, {})
    assert prepared.drugs.rows() == [
        ("d1", "phenol", "Oc1ccccc1", "ISWSIDIOOBJBQZ", "c1ccccc1", ["B", "C"], "drug:DrugBank:DB1", "name"),
        ("d2", "ethanol", "CCO", "LFQSCWFLJHTTHZ", "", ["B", "C"], None, None),  # a gene is not a drug
        ("d4", "phenolate", "Oc1ccccc1", "ISWSIDIOOBJBQZ", "c1ccccc1", ["B", "C"], None, None),
    ]
    nothing = "no node has its structure, cross-reference or name"
    assert prepared.matches.rows() == [
        ("d1", "phenol", "drug:DrugBank:DB1", "Phenol", "name", 1, None),
        ("d2", "ethanol", None, None, "none", 0, nothing),
        ("d4", "phenolate", None, None, "none", 0, nothing),
    ]
    assert prepared.exclusions.select("what", "item", "row", "reason").rows() == [
        ("drugs", "d3", 13, "empty SMILES"),
        ("drugs", "d5", 14, "unparsable SMILES: the syntax is wrong"),
        ("structures of compounds without a signature", "d9", 15, "unparsable SMILES: the syntax is wrong"),
    ]
    assert counts(prepared, "drugs") == {
        "read": 6,
        "not in the compound table": 1,
        "empty SMILES": 1,
        "unparsable SMILES": 1,
        "kept": 3,
    }
    assert counts(prepared, "parent molecules") == {"kept": 2}
    for table, schema in (
        (prepared.drugs, schemas.Drugs),
        (prepared.matches, schemas.Matches),
        (prepared.library, schemas.Library),
        (prepared.counts, schemas.Counts),
        (prepared.exclusions, schemas.Exclusions),
    ):
        schemas.check(table, schema, "test")


def test_structures_of_the_graph_match_salts_too(tmp_path):
    text = tmp_path / "drug_feature_base.csv"
    text.write_text(
        "generic_name,smiles,description\n"
        'Phenol,Oc1ccccc1,"a name, with a comma"\n'
        '"Acetic acid, glacial",broken,\n'
        "Unknown,CCO,\n"
    )
    prepared = prepare(TABLE, USED, NODES, {"drug_text": text})
    assert prepared.matches.select("drug", "kg_node", "match").rows() == [
        ("d1", "drug:DrugBank:DB1", "inchikey"),
        ("d2", None, "none"),
        ("d4", "drug:DrugBank:DB1", "inchikey"),
    ]
    assert prepared.exclusions.filter(what="structures of the knowledge graph").select(
        "item", "row"
    ).rows() == [("Acetic acid, glacial", 3)]
    assert counts(prepared, "drugs in the knowledge graph") == {
        "read": 3,
        "ambiguous": 0,
        "not found": 1,
        "of these: found by inchikey": 2,
        "of these: found by xref": 0,
        "of these: found by name": 0,
        "kept": 2,
    }


def test_a_name_with_two_structures_has_no_structure(tmp_path):
    text = tmp_path / "drug_feature_base.csv"
    text.write_text("generic_name,smiles,description\nPhenol,Oc1ccccc1,\nPhenol,CCO,\n")
    prepared = prepare(TABLE, USED, NODES, {"drug_text": text})
    assert prepared.matches["match"].to_list() == ["name", "none", "none"]


def test_structures_in_the_graph_itself_come_first(tmp_path):
    text = tmp_path / "drug_feature_base.csv"
    text.write_text('generic_name,smiles\nPhenol,CCO\n"Acetic acid, glacial",CCO\n')
    descriptions = pl.DataFrame(
        [
            ("drug:DrugBank:DB1", "a disinfectant", "Oc1ccccc1"),
            ("drug:DrugBank:DB2", "a text alone", None),
            ("gene/protein:NCBI:1", None, "CCO"),
        ],
        schema=list(schemas.Descriptions.to_schema().columns),
        orient="row",
    )
    alone = prepare(TABLE, USED, NODES, {}, descriptions=descriptions)
    assert alone.matches["match"].to_list() == ["inchikey", "none", "inchikey"]
    both = prepare(TABLE, USED, NODES, {"drug_text": text}, descriptions=descriptions)
    assert both.matches.select("kg_node", "match").rows() == [
        ("drug:DrugBank:DB1", "inchikey"),
        ("drug:DrugBank:DB2", "inchikey"),
        ("drug:DrugBank:DB1", "inchikey"),
    ]
    broken = descriptions.with_columns(smiles=pl.lit("broken"))
    prepared = prepare(TABLE, USED, NODES, {}, descriptions=broken)
    assert prepared.exclusions.filter(what="structures of the knowledge graph").select(
        "item", "row"
    ).rows() == [("drug:DrugBank:DB1", None), ("drug:DrugBank:DB2", None)]


def test_an_ambiguous_match_is_listed_and_the_drug_kept():
    table = compounds(("d1", "phenol", "Oc1ccccc1"), ("d2", "phenol", "CCO"))
    prepared = prepare(table, pl.Series(["d1", "d2"]), NODES, {})
    assert len(prepared.drugs) == 2
    assert prepared.exclusions.select("what", "item", "row").rows() == [
        ("matches", "d1", 10),
        ("matches", "d2", 11),
    ]
    assert prepared.exclusions["reason"][0].startswith("ambiguous: ")
    assert counts(prepared, "drugs in the knowledge graph")["ambiguous"] == 2


def test_a_parent_has_one_scaffold(monkeypatch):
    # As happens if a large molecule has too many tautomers to enumerate.
    def fake(smiles):
        return Parent(smiles, "P", f"scaffold of {smiles}", "P-U-N", "P-U-N", frozenset())

    monkeypatch.setattr(module, "standardise", fake)
    table = TABLE.with_columns(pl.col("smiles").fill_null("C"))
    prepared = prepare(table, USED, NODES, {})
    assert prepared.drugs["scaffold"].unique().to_list() == ["scaffold of Oc1ccccc1"]


def test_no_usable_structure_is_an_error():
    with pytest.raises(InputError, match="none of 1 has a usable structure") as caught:
        prepare(TABLE, pl.Series(["d3"]), NODES, {})
    assert "\n" not in str(caught.value)
