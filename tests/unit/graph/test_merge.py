"""The merged graph: a small world worked by hand, every reason counted, every impossible edge named."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.drugs.targets import known_targets
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Graph
from perturbkg.graph.merge import Merged, merge_graph
from perturbkg.graph.targets import own_targets
from perturbkg.io.matrices import write_matrix

ROOT = Path(__file__).parents[3]
NODES = pl.DataFrame(
    [
        ("gene/protein:NCBI:207", "gene/protein", "NCBI", "207", "AKT1"),
        ("gene/protein:NCBI:10", "gene/protein", "NCBI", "10", "NAT2"),
        ("gene/protein:NCBI:7006", "gene/protein", "NCBI", "7006", "TEC"),
        ("gene/protein:NCBI:100", "gene/protein", "NCBI", "100", "TEC"),
        ("drug:DrugBank:DB1", "drug", "DrugBank", "DB1", "Aspirin"),
        ("disease:MONDO:1", "disease", "MONDO", "1", "Ductal carcinoma"),
        ("disease:MONDO:2", "disease", "MONDO", "2", "breast ductal carcinoma"),
        ("disease:MONDO:3", "disease", "MONDO", "3", "Melanoma"),
        ("disease:UMLS:3", "disease", "UMLS", "3", "melanoma"),
    ],
    schema=["node", "type", "source", "source_id", "name"],
    orient="row",
).with_columns(index=pl.lit(None, pl.Int64))
EDGES = pl.DataFrame(
    [
        ("protein_protein", "gene/protein:NCBI:10", "gene/protein:NCBI:207", "primekg:ppi"),
        ("protein_protein", "gene/protein:NCBI:207", "gene/protein:NCBI:10", "primekg:ppi"),  # the same edge
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:207", "primekg:target"),
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:10", "primekg:enzyme"),
    ],
    schema=["relation", "head", "tail", "provenance"],
    orient="row",
)
DRUGS = pl.DataFrame(
    {
        "drug": ["BRD-2", "BRD-1", "BRD-3"],
        "name": ["aspirin", "two", "three"],
        "smiles": ["C", "CC", "CCC"],
        "parent": ["A", "B", "C"],
        "scaffold": ["", "", ""],
        "targets": [["AKT1", "nat2", "NAT2"], ["TEC", "GONE"], []],
        "kg_node": ["drug:DrugBank:DB1", None, None],
        "match": ["xref", None, None],
    },
    schema_overrides={"targets": pl.List(pl.String)},
)
# No two drugs have one parent; the library is the drugs themselves.
LIBRARY = DRUGS.select("smiles", "parent", "targets", molecule="drug").select(
    "molecule", "smiles", "parent", "targets"
)
SIMILAR = pl.DataFrame(
    [
        ("BRD-1", "gene/protein:NCBI:207", "AKT1", "edge", "similar molecules", "BRD-2", 0.25, 0.34567, 1),
        ("BRD-3", "gene/protein:NCBI:10", "NAT2", "exact", "similar molecules", "BRD-9", 0.5, 0.5, 2),
    ],
    schema=list(schemas.Targets.to_schema().columns),
    orient="row",
)
TARGETS = pl.concat([known_targets(DRUGS, LIBRARY, NODES, EDGES)[0], SIMILAR])
CELLS = pl.DataFrame(
    {
        "cell": ["MCF7", "A375", "T47D", "HEK"],
        "lineage": ["breast", "skin", "upper,skin", None],
        "disease": ["carcinoma,ductal", "melanoma", "carcinoma, ductal", " "],
        "description": [None, None, None, None],
    },
    schema_overrides={"description": pl.String},
)
ENTREZ = ["10", "207", "999"]
# Gene 10 marks MCF7, gene 207 marks A375 then T47D, gene 999 (not in the graph) marks HEK and T47D.
BASELINE = np.array([[9.0, 4, 5], [5, 8, 5], [5, 6, 7], [5, 4, 9]])


def merge(**changes: object) -> Merged:
    """Merge the small world, with some arguments replaced."""
    arguments = {
        "nodes": NODES,
        "edges": EDGES,
        "drugs": DRUGS,
        "targets": TARGETS,
        "cells": CELLS,
        "baseline": BASELINE,
        "entrez": ENTREZ,
        "relations": {},
        "expressed_genes": 2,
    }
    return merge_graph(**{**arguments, **changes})  # type: ignore[arg-type]


def edge_list(merged: Merged) -> list[tuple[str, str, str]]:
    """Return (relation, head, tail) of each edge as names."""
    names = merged.nodes["node"]
    return sorted(
        (merged.graph.relations[r], names[int(h)], names[int(t)])
        for h, t, r in zip(*merged.graph.edges(), strict=True)
    )


def counts(merged: Merged, what: str) -> dict[str, int]:
    """Return reason -> count of one subject."""
    return dict(merged.counts.filter(what=what).select("reason", "count").iter_rows())


def test_nodes_are_sorted_but_drugs_and_cells_keep_their_order() -> None:
    merged = merge()
    schemas.check(merged.nodes, schemas.GraphNodes, "nodes")
    assert merged.nodes["node"].to_list() == [
        *(f"cell_line:{cell}" for cell in CELLS["cell"]),
        "disease:MONDO:1",
        "disease:MONDO:2",
        "disease:MONDO:3",
        "disease:UMLS:3",
        "drug:DrugBank:DB1",
        "gene/protein:NCBI:10",
        "gene/protein:NCBI:100",
        "gene/protein:NCBI:207",
        "gene/protein:NCBI:7006",
        "lincs_drug:BRD-2",
        "lincs_drug:BRD-1",
        "lincs_drug:BRD-3",
    ]
    assert merged.nodes["row"].to_list() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 0, 1, 2, 3, 0, 1, 2]
    assert merged.graph.types == ["cell_line", "disease", "drug", "gene/protein", "lincs_drug"]
    coded = [merged.graph.types[code] for code in merged.graph.node_type]
    assert coded == merged.nodes["type"].to_list()
    assert counts(merged, "nodes") == {
        "read": 9,
        "added: L1000 drugs": 3,
        "added: cell lines": 4,
        "kept": 16,
    }


def test_every_edge_by_hand() -> None:
    merged = merge()
    assert merged.graph.relations == [
        "drug_protein",
        "protein_protein",
        "lincs_drug_is_drug",
        "lincs_drug_targets_protein",
        "lincs_drug_similar_to_target",
        "cell_expresses_protein",
        "cell_of_disease",
    ]
    assert edge_list(merged) == [
        ("cell_expresses_protein", "cell_line:A375", "gene/protein:NCBI:207"),
        ("cell_expresses_protein", "cell_line:MCF7", "gene/protein:NCBI:10"),
        ("cell_expresses_protein", "cell_line:T47D", "gene/protein:NCBI:207"),
        ("cell_of_disease", "cell_line:MCF7", "disease:MONDO:2"),
        ("cell_of_disease", "cell_line:T47D", "disease:MONDO:1"),
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:10"),
        ("drug_protein", "drug:DrugBank:DB1", "gene/protein:NCBI:207"),
        ("lincs_drug_is_drug", "lincs_drug:BRD-2", "drug:DrugBank:DB1"),
        ("lincs_drug_similar_to_target", "lincs_drug:BRD-1", "gene/protein:NCBI:207"),
        ("lincs_drug_similar_to_target", "lincs_drug:BRD-3", "gene/protein:NCBI:10"),
        ("lincs_drug_targets_protein", "lincs_drug:BRD-2", "gene/protein:NCBI:10"),
        ("lincs_drug_targets_protein", "lincs_drug:BRD-2", "gene/protein:NCBI:207"),
        ("protein_protein", "gene/protein:NCBI:10", "gene/protein:NCBI:207"),
    ]


def test_edges_of_similar_molecules_have_their_weights() -> None:
    graph = merge().graph
    relation = graph.edges()[2]
    similar = relation == graph.relations.index("lincs_drug_similar_to_target")
    assert sorted(graph.edge_weights()[similar]) == [0.25, 0.5]
    assert (graph.edge_weights()[~similar] == 1).all()
    assert merge(relations={"lincs_drug_similar_to_target": False}).graph.weight is None


def test_everything_left_out_is_counted() -> None:
    merged = merge()
    schemas.check(merged.counts, schemas.Counts, "counts")
    assert counts(merged, "knowledge graph edges") == {"read": 4, "duplicate": 1, "kept": 3}
    assert counts(merged, "lincs_drug_is_drug") == {
        "read": 3,
        "no drug of the knowledge graph matches": 2,
        "duplicate": 0,
        "switched off": 0,
        "kept": 1,
    }
    assert counts(merged, "lincs_drug_targets_protein") == {
        "read": 6,
        "no node of this name (gene/protein): GONE": 1,
        "several nodes of this name (gene/protein): TEC": 1,
        "duplicate": 2,  # nat2 and NAT2 are one gene, and both sources name AKT1
        "switched off": 0,
        "kept": 2,
        "of these: also an edge of the same drug in the knowledge graph": 2,
    }
    assert counts(merged, "lincs_drug_similar_to_target") == {
        "read": 2,
        "duplicate": 0,
        "switched off": 0,
        "kept": 2,
        "of these: of a drug without a known target": 1,
    }
    # Two genes for each of four cell lines; the second best of MCF7, A375 and HEK is not above the mean.
    assert counts(merged, "cell_expresses_protein") == {
        "read": 8,
        "not above the mean of the cell lines": 3,
        "no such gene in the knowledge graph, by Entrez id or symbol": 2,
        "duplicate": 0,
        "switched off": 0,
        "kept": 3,
    }
    assert counts(merged, "cell_of_disease") == {
        "read": 4,
        "no disease named": 1,
        "no node of this name (disease)": 0,
        "several nodes of this name (disease): melanoma": 1,
        "duplicate": 0,
        "switched off": 0,
        "kept": 2,
    }


def test_counts_of_each_subject_balance() -> None:
    merged = merge(relations={"cell_of_disease": False})
    for what in merged.counts["what"].unique():
        rows = counts(merged, what)
        if what != "nodes":
            removed = sum(
                n for reason, n in rows.items() if reason not in ("read", "kept") and "of these" not in reason
            )
            assert rows["read"] - removed == rows["kept"], what


def test_provenance_records_the_source_of_each_added_edge() -> None:
    table = schemas.check(merge().provenance, schemas.Provenance, "provenance")
    assert table.rows() == [
        ("drug_protein", None, None, "primekg:enzyme", 1),
        ("drug_protein", None, None, "primekg:target", 1),
        ("protein_protein", None, None, "primekg:ppi", 1),
        ("lincs_drug_is_drug", "lincs_drug:BRD-2", "drug:DrugBank:DB1", "match:xref", 1),
        (
            "lincs_drug_targets_protein",
            "lincs_drug:BRD-2",
            "gene/protein:NCBI:207",
            "compoundinfo:target",
            1,
        ),
        (
            "lincs_drug_targets_protein",
            "lincs_drug:BRD-2",
            "gene/protein:NCBI:10",
            "compoundinfo:target:caseless",
            1,
        ),
        (
            "lincs_drug_similar_to_target",
            "lincs_drug:BRD-1",
            "gene/protein:NCBI:207",
            "similar:BRD-2:0.346:1",
            1,
        ),
        (
            "lincs_drug_similar_to_target",
            "lincs_drug:BRD-3",
            "gene/protein:NCBI:10",
            "similar:BRD-9:0.5:2",
            1,
        ),
        ("cell_expresses_protein", "cell_line:MCF7", "gene/protein:NCBI:10", "baseline:zscore", 1),
        ("cell_expresses_protein", "cell_line:A375", "gene/protein:NCBI:207", "baseline:zscore", 1),
        ("cell_expresses_protein", "cell_line:T47D", "gene/protein:NCBI:207", "baseline:zscore", 1),
        ("cell_of_disease", "cell_line:MCF7", "disease:MONDO:2", "cellinfo:disease:normalised", 1),
        ("cell_of_disease", "cell_line:T47D", "disease:MONDO:1", "cellinfo:disease:normalised", 1),
    ]


def test_a_disabled_relation_is_removed_and_counted() -> None:
    merged = merge(relations={"lincs_drug_is_drug": False, "cell_of_disease": True})
    assert "lincs_drug_is_drug" not in merged.graph.relations
    assert "lincs_drug_is_drug" not in merged.provenance["relation"]
    assert counts(merged, "lincs_drug_is_drug")["switched off"] == 1
    assert counts(merged, "lincs_drug_is_drug")["kept"] == 0
    others = [edge for edge in edge_list(merge()) if edge[0] != "lincs_drug_is_drug"]
    assert edge_list(merged) == others


def test_rows_of_the_knowledge_graph_may_come_in_any_order() -> None:
    one = merge()
    two = merge(nodes=NODES.reverse(), edges=EDGES.reverse().gather([0, 1, 2]))
    assert one.nodes.equals(two.nodes)
    assert {frozenset(edge) for edge in edge_list(one)} == {frozenset(edge) for edge in edge_list(two)}


def test_ties_of_specificity_are_broken_by_gene_order_and_a_constant_gene_marks_no_cell() -> None:
    cells = CELLS.head(2)
    baseline = np.array([[7.0, 7, 7], [5, 5, 7]])  # both varying genes mark the first cell equally
    merged = merge(cells=cells, baseline=baseline, expressed_genes=1)
    made = [edge for edge in edge_list(merged) if edge[0] == "cell_expresses_protein"]
    assert made == [("cell_expresses_protein", "cell_line:MCF7", "gene/protein:NCBI:10")]
    assert counts(merged, "cell_expresses_protein")["not above the mean of the cell lines"] == 1


def test_one_cell_line_has_no_specific_gene() -> None:
    merged = merge(cells=CELLS.head(1), baseline=BASELINE[:1])
    assert counts(merged, "cell_expresses_protein")["kept"] == 0


def test_no_drugs_and_no_edges() -> None:
    merged = merge(edges=EDGES.clear(), drugs=DRUGS.clear(), targets=TARGETS.clear(), expressed_genes=0)
    assert [edge[0] for edge in edge_list(merged)] == ["cell_of_disease"] * 2
    assert merged.graph.nodes == 13


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (("r", "gene/protein:NCBI:1", "gene/protein:NCBI:10", "p"), "its head is no node of the graph"),
        (("r", "gene/protein:NCBI:10", "gene/protein:NCBI:1", "p"), "its tail is no node of the graph"),
        (("r", "gene/protein:NCBI:10", "gene/protein:NCBI:10", "p"), "it joins a node with itself"),
    ],
)
def test_an_impossible_edge_is_named(edge: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError) as caught:
        merge(edges=pl.concat([EDGES, pl.DataFrame([edge], schema=EDGES.schema, orient="row")]))
    assert str(caught.value).startswith(f"edge r: {edge[1]} - {edge[2]}: {message}; ")
    assert "\n" not in str(caught.value)


def test_a_match_that_is_not_a_node_is_named() -> None:
    drugs = DRUGS.with_columns(kg_node=pl.lit("drug:DrugBank:DB9"))
    with pytest.raises(
        InputError, match="lincs_drug_is_drug: lincs_drug:BRD-2 - drug:DrugBank:DB9: its tail"
    ):
        merge(drugs=drugs)


def test_unknown_relation() -> None:
    with pytest.raises(InputError, match=r"unknown relation 'drug_targets'; known are lincs_drug_is_drug, "):
        merge(relations={"drug_targets": True})


def test_a_knowledge_graph_may_not_use_the_added_names() -> None:
    with pytest.raises(InputError, match="relation 'cell_of_disease' is a name of the merged graph"):
        merge(edges=EDGES.with_columns(relation=pl.lit("cell_of_disease")))
    with pytest.raises(InputError, match="node type 'lincs_drug' is a name of the merged graph"):
        merge(nodes=NODES.with_columns(type=pl.lit("lincs_drug")))


def test_genes_that_have_no_entrez_id_are_found_by_symbol() -> None:
    ensembl = {
        node: node.replace("NCBI:", "Ensembl:ENSG")
        for node in NODES["node"]
        if node.startswith("gene/protein")
    }
    renamed = pl.col("node").replace(ensembl)
    merged = merge(
        nodes=NODES.with_columns(renamed, source_id=renamed.str.extract("([^:]*)$")),
        edges=EDGES.with_columns(pl.col("head", "tail").replace(ensembl)),
        targets=TARGETS.with_columns(pl.col("target").replace(ensembl)),
        symbols=["NAT2", "AKT1", "X"],
    )
    wanted, found = (
        each.provenance.filter(pl.col("head").is_not_null()).select(
            "relation", "head", pl.col("tail").replace(ensembl), "provenance"
        )
        for each in (merge(), merged)
    )
    assert found.equals(wanted)


def script(name: str):
    """Return the `main` of a script."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def run_script(folder: Path, obs: list[str]) -> list[Path]:
    """Write the small world, run the script, return its outputs."""
    schemas.write(NODES, schemas.Nodes, folder / "n.parquet")
    schemas.write(EDGES, schemas.Edges, folder / "e.parquet")
    schemas.write(DRUGS, schemas.Drugs, folder / "d.parquet")
    schemas.write(TARGETS, schemas.Targets, folder / "t.parquet")
    schemas.write(CELLS, schemas.Cells, folder / "c.parquet")
    var = pl.DataFrame({"entrez": ENTREZ, "symbol": ["NAT2", "AKT1", "X"]})
    write_matrix(BASELINE, pl.DataFrame({"cell": obs}), var, folder / "b.h5ad")
    outputs = {name: folder / f"out.{name}" for name in ("graph", "graph_nodes", "provenance", "counts")}
    script("merge_graph")(
        nodes=folder / "n.parquet",
        edges=folder / "e.parquet",
        drugs=folder / "d.parquet",
        targets=folder / "t.parquet",
        cells=folder / "c.parquet",
        baseline=folder / "b.h5ad",
        relations={"cell_of_disease": False},
        expressed_genes=2,
        **outputs,
    )
    return list(outputs.values())


def test_the_script_writes_equal_bytes_twice(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = run_script(tmp_path / "one", CELLS["cell"].to_list())
    two = run_script(tmp_path / "two", CELLS["cell"].to_list())
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    expected = merge(relations={"cell_of_disease": False}).graph
    assert np.array_equal(Graph.load(one[0]).src, expected.src)


def test_the_script_refuses_a_baseline_of_other_cells(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.h5ad: its cell lines are not those of .*run prepare_cells"):
        run_script(tmp_path, CELLS["cell"].reverse().to_list())


def test_the_graph_says_of_targets_what_the_table_says() -> None:
    merged = merge()
    names = merged.nodes["node"].to_list()
    drug_node = np.array([names.index(f"lincs_drug:{drug}") for drug in DRUGS["drug"]])
    similar = TARGETS["source"] == schemas.SIMILAR_MOLECULES
    for found, rows in zip(
        own_targets(merged.graph, drug_node), (TARGETS.filter(~similar), TARGETS.filter(similar)), strict=True
    ):
        row, column = found.nonzero()
        wanted = rows.drop_nulls("target").select("drug", "target", "weight")
        assert set(wanted.rows()) == {
            (DRUGS["drug"][int(d)], names[int(n)], float(found[d, n]))
            for d, n in zip(row, column, strict=True)
        }
