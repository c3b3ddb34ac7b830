import json

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.knowledge_graphs._checks import check_edges
from perturbkg.knowledge_graphs._vocabulary import OPTIMUSKG_RELATIONS, OPTIMUSKG_TYPES
from perturbkg.knowledge_graphs.optimuskg import OptimusKG

EGFR, TP53 = "ENSG00000146648", "ENSG00000141510"
NODES = [
    (
        EGFR,
        "GEN",
        {
            "symbol": "EGFR",
            "name": "epidermal growth factor receptor",
            "function_descriptions": ["Binds.", ""],
        },
    ),
    (TP53, "GEN", {"symbol": " TP53 ", "name": "tumor protein p53", "description": ""}),
    ("NCBIGene:1", "GEN", {"symbol": None}),
    ("DB00317", "DRG", {"name": "Gefitinib", "canonical_smiles": "CCO", "description": "Inhibits."}),
    ("CHEMBL25", "DRG", {"canonical_smiles": "CC", "mol_image_base64": "iVBORw0"}),
    ("DB09999", "DRG", None),  # the parent of a salt: an id and no properties
    ("MONDO_0005148", "DIS", {"name": "type 2 diabetes"}),
    ("HP_0001250", "DIS", {"name": "Seizure"}),  # one id, two types
    ("HP_0001250", "PHE", {"name": "Seizure"}),
    ("GO:0008150", "BPO", {"name": "process"}),
    ("R-HSA-1", "PWY", {"name": "Apoptosis"}),
]
EDGES = [
    ("DB00317", EGFR, "DRG-GEN", "TARGET"),
    ("DB00317", EGFR, "DRG-GEN", "INHIBITOR"),
    (EGFR, TP53, "GEN-GEN", "INTERACTS_WITH"),
    (TP53, EGFR, "GEN-GEN", "INTERACTS_WITH"),
    (EGFR, "MONDO_0005148", "DIS-GEN", "ASSOCIATED_WITH"),  # the ends in the reverse order of the label
    ("HP_0001250", EGFR, "DIS-GEN", "ASSOCIATED_WITH"),
    ("CHEMBL25", "HP_0001250", "DRG-PHE", "INDICATION"),
    ("CHEMBL25", "DB09999", "DRG-DRG", "PARENT"),
    ("CHEMBL25", "CHEMBL25", "DRG-DRG", "PARENT"),
    ("MONDO_0005148", "R-HSA-1", "DIS-GEN", "ASSOCIATED_WITH"),  # a pathway is not a gene
    ("R-HSA-1", "GO:0008150", "PWY-BPO", "PART_OF"),  # a label unknown in this release
    ("NCBIGene:1", "GO:0008150", "BPO-GEN", "INTERACTS_WITH"),
]


def nodes_table(rows=NODES):
    return pl.DataFrame(
        [(key, label, "" if found is None else json.dumps(found)) for key, label, found in rows],
        schema=["id", "label", "properties"],
        orient="row",
    )


def edges_table(rows=EDGES):
    table = pl.DataFrame(rows, schema=["from", "to", "label", "relation"], orient="row")
    return table.with_columns(undirected=pl.lit(value=False), properties=pl.lit("{}"))


def read(folder, nodes=None, edges=None):
    paths = {"kg_nodes": folder / "nodes.parquet", "kg_edges": folder / "edges.parquet"}
    (nodes_table() if nodes is None else nodes).write_parquet(paths["kg_nodes"])
    (edges_table() if edges is None else edges).write_parquet(paths["kg_edges"])
    return OptimusKG().read(paths)


def counts(tables, what):
    return dict(tables.counts.filter(what=what).select("reason", "count").rows())


def test_a_release_with_other_labels_or_properties_is_refused(tmp_path):
    renamed = nodes_table().with_columns(label="n" + pl.col("label"))
    with pytest.raises(
        InputError, match=r"none of the labels of nodes is OptimusKG's .*found are nBPO, nDIS"
    ):
        read(tmp_path, nodes=renamed)
    moved = nodes_table().with_columns(pl.col("properties").str.replace("symbol", "hgnc_symbol"))
    with pytest.raises(InputError, match=r"none of the 3 genes \(label GEN\) has a 'symbol'") as caught:
        read(tmp_path, nodes=moved)
    assert "\n" not in str(caught.value)


def test_columns_are_found_by_name(tmp_path):
    plain = read(tmp_path)
    moved = read(
        tmp_path,
        nodes=nodes_table().select("properties", pl.lit(1).alias("version"), "label", "id"),
        edges=edges_table().select(
            "relation", "undirected", "label", pl.lit("x").alias("source"), "to", "from"
        ),
    )
    assert moved.nodes.equals(plain.nodes) and moved.edges.equals(plain.edges)


def test_worked_example(tmp_path, caplog):
    tables = read(tmp_path)
    assert tables.nodes.rows() == [
        ("biological_process:GO:0008150", "biological_process", "GO", "0008150", "process", None),
        ("disease:HPO:0001250", "disease", "HPO", "0001250", "Seizure", None),
        ("disease:MONDO:0005148", "disease", "MONDO", "0005148", "type 2 diabetes", None),
        ("drug:ChEMBL:CHEMBL25", "drug", "ChEMBL", "CHEMBL25", "CHEMBL25", None),
        ("drug:DrugBank:DB00317", "drug", "DrugBank", "DB00317", "Gefitinib", None),
        ("drug:DrugBank:DB09999", "drug", "DrugBank", "DB09999", "DB09999", None),
        ("effect/phenotype:HPO:0001250", "effect/phenotype", "HPO", "0001250", "Seizure", None),
        (f"gene/protein:Ensembl:{TP53}", "gene/protein", "Ensembl", TP53, "TP53", None),
        (f"gene/protein:Ensembl:{EGFR}", "gene/protein", "Ensembl", EGFR, "EGFR", None),
        ("gene/protein:NCBI:1", "gene/protein", "NCBI", "1", "NCBIGene:1", None),
        ("pathway:REACTOME:R-HSA-1", "pathway", "REACTOME", "R-HSA-1", "Apoptosis", None),
    ]
    egfr, tp53 = f"gene/protein:Ensembl:{EGFR}", f"gene/protein:Ensembl:{TP53}"
    assert tables.edges.rows() == [
        (
            "bioprocess_protein",
            "biological_process:GO:0008150",
            "gene/protein:NCBI:1",
            "optimuskg:interacts_with",
        ),
        ("disease_protein", "disease:HPO:0001250", egfr, "optimuskg:associated_with"),
        ("disease_protein", "disease:MONDO:0005148", egfr, "optimuskg:associated_with"),
        ("drug_drug_parent", "drug:ChEMBL:CHEMBL25", "drug:DrugBank:DB09999", "optimuskg:parent"),
        (
            "drug_phenotype_indication",
            "drug:ChEMBL:CHEMBL25",
            "effect/phenotype:HPO:0001250",
            "optimuskg:indication",
        ),
        ("drug_protein", "drug:DrugBank:DB00317", egfr, "optimuskg:inhibitor;optimuskg:target"),
        ("protein_protein", tp53, egfr, "optimuskg:interacts_with"),
        (
            "pwy-bpo part_of",
            "biological_process:GO:0008150",
            "pathway:REACTOME:R-HSA-1",
            "optimuskg:part_of",
        ),
    ]
    assert counts(tables, "edges") == {
        "read": 12,
        "an end is of another type than the label says": 1,
        "self-loop": 1,
        "exact repeat of a row": 0,
        "second direction of an edge": 1,
        "same pair under another provenance": 1,
        "kept": 8,
    }
    assert counts(tables, "relations that PrimeKG has not") == {
        "kept as drug_drug_parent": 1,
        "kept as drug_phenotype_indication": 1,
        "kept as pwy-bpo part_of": 1,
    }
    assert "relations 'pwy-bpo part_of' (1) is not in PrimeKG" in caplog.text
    assert tables.descriptions.rows() == [
        ("drug:ChEMBL:CHEMBL25", None, "CC"),
        ("drug:DrugBank:DB00317", "Inhibits.", "CCO"),
        (egfr, "Binds.", None),
    ]
    schemas.check(tables.nodes, schemas.Nodes, "nodes")
    schemas.check(tables.edges, schemas.Edges, "edges")
    schemas.check(tables.counts, schemas.Counts, "counts")
    schemas.check(tables.descriptions, schemas.Descriptions, "descriptions")
    check_edges(tables.nodes, tables.edges)


def test_every_label_of_the_mapping_is_translated_to_its_relation(tmp_path):
    nodes = [(f"{label}{i}", label, {}) for label in OPTIMUSKG_TYPES for i in (1, 2)]
    reported = [each.split(" ") for each in OPTIMUSKG_RELATIONS]
    rows = [
        (f"{label[:3]}1", f"{label[4:]}2", label, relation[0] if relation else f"WHATEVER_{number}")
        for number, (label, *relation) in enumerate(reported)
    ]
    assert len({label for *_, label, _ in rows}) * len({relation for *_, relation in rows}) > 256
    tables = read(tmp_path, nodes_table(nodes), edges_table(rows))
    assert sorted(tables.edges["relation"]) == sorted(OPTIMUSKG_RELATIONS.values())
    wanted = {
        relation: f"optimuskg:{row[3].lower()}"
        for relation, row in zip(OPTIMUSKG_RELATIONS.values(), rows, strict=True)
    }
    assert dict(tables.edges.select("relation", "provenance").rows()) == wanted


def test_a_label_may_name_its_types_in_reverse_order(tmp_path):
    turned = [(y, x, "-".join(reversed(label.split("-"))), relation) for x, y, label, relation in EDGES]
    assert (
        read(tmp_path, edges=edges_table(turned))
        .edges.filter(pl.col("relation").is_in(OPTIMUSKG_RELATIONS.values()))
        .equals(read(tmp_path).edges.filter(pl.col("relation").is_in(OPTIMUSKG_RELATIONS.values())))
    )


def test_properties_may_be_structs_as_in_the_tables_of_one_type(tmp_path):
    rows = [row for row in NODES if row[1] == "GEN"]
    edges = edges_table([row for row in EDGES if row[2] == "GEN-GEN"])
    texts = read(tmp_path, nodes_table(rows), edges)
    structs = nodes_table(rows).with_columns(
        properties=pl.Series(
            [found for *_, found in rows], dtype=pl.Struct({"symbol": pl.String, "other": pl.Int64})
        )
    )
    tables = read(tmp_path, structs, edges)
    assert tables.nodes.equals(texts.nodes)
    assert tables.edges.equals(texts.edges)
    assert tables.descriptions.is_empty()


BAD = {
    "an edge to a missing node": (
        {"edges": edges_table([*EDGES, ("DB1", EGFR, "DRG-GEN", "TARGET")])},
        "edges.parquet: row 12: from is 'DB1', which is no name or no node of nodes.parquet (1 such rows)",
    ),
    "no relation": ({"edges": edges_table([(EGFR, TP53, "GEN-GEN", None)])}, "row 0: relation is None"),
    "a label of no two types": (
        {"edges": edges_table([(EGFR, TP53, "PPI", "X")])},
        "edges.parquet: label 'PPI' does not name two labels of nodes (which are BPO, DIS, DRG, GEN",
    ),
    "a missing column": (
        {"edges": edges_table().drop("to")},
        "edges.parquet: no column 'to'; found are from,",
    ),
    "nodes without properties": ({"nodes": nodes_table().drop("properties")}, "no column 'properties'"),
    "a node twice": ({"nodes": nodes_table([*NODES, NODES[0]])}, f"row 0: node '{EGFR}' twice"),
    "a node without id": (
        {"nodes": nodes_table([*NODES, (None, "GEN", {})])},
        "nodes.parquet: row 11: a node without id or label",
    ),
    "ids that are numbers": (
        {"nodes": nodes_table().with_columns(id=pl.lit(1))},
        "nodes.parquet: column 'id' is Int32, not text",
    ),
    "properties of another form": (
        {"nodes": nodes_table().with_columns(properties=pl.lit(1))},
        "nodes.parquet: column 'properties' is Int32, neither JSON nor a struct",
    ),
    "no JSON": (
        {"nodes": nodes_table().with_columns(properties=pl.lit("{bad"))},
        "nodes.parquet: truncated or damaged",
    ),
    "no rows": ({"edges": edges_table().clear()}, "edges.parquet: no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_defect_is_one_line_that_names_it(tmp_path, case):
    change, message = BAD[case]
    with pytest.raises(InputError) as caught:
        read(tmp_path, **change)
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_named(tmp_path):
    read(tmp_path)
    whole = (tmp_path / "edges.parquet").read_bytes()
    (tmp_path / "edges.parquet").write_bytes(whole[: len(whole) // 2])
    paths = {"kg_nodes": tmp_path / "nodes.parquet", "kg_edges": tmp_path / "edges.parquet"}
    with pytest.raises(InputError, match=r"edges\.parquet: truncated or damaged Parquet file, or not one"):
        OptimusKG().read(paths)
