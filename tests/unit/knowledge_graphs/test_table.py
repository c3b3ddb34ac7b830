import gzip

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.knowledge_graphs._checks import check_edges
from perturbkg.knowledge_graphs.table import Table

NODES = '''node,type,name,source,source_id,smiles
egfr,Gene,EGFR,NCBI,1956,
aspirin,compound,"aspirin, ""pure""",DrugBank,DB00945,CC(=O)O
0042,clone,,,,
'''
EDGES = """relation,head,tail,provenance
drug_protein,egfr,aspirin,my assay
Seen_In,0042,egfr,
"""


def read(folder, nodes=NODES, edges=EDGES):
    paths = {"kg_nodes": folder / "nodes.csv", "kg_edges": folder / "edges.csv"}
    for path, text in zip(paths.values(), (nodes, edges), strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Table().read(paths)


def test_worked_example(tmp_path):
    tables = read(tmp_path)
    assert tables.nodes.rows() == [
        ("clone:table:0042", "clone", "table", "0042", "0042", None),
        ("drug:DrugBank:DB00945", "drug", "DrugBank", "DB00945", 'aspirin, "pure"', None),
        ("gene/protein:NCBI:1956", "gene/protein", "NCBI", "1956", "EGFR", None),
    ]
    assert tables.edges.rows() == [
        ("drug_protein", "drug:DrugBank:DB00945", "gene/protein:NCBI:1956", "my assay"),
        ("seen_in", "clone:table:0042", "gene/protein:NCBI:1956", "table"),
    ]
    assert tables.descriptions.rows() == [("drug:DrugBank:DB00945", None, "CC(=O)O")]
    assert tables.counts.select("what", "reason", "count").rows() == [
        ("nodes", "read", 3),
        ("nodes", "kept", 3),
        ("node types that PrimeKG has not", "kept as clone", 1),
        ("edges", "read", 2),
        ("edges", "kept", 2),
        ("relations that PrimeKG has not", "kept as seen_in", 1),
    ]
    schemas.check(tables.nodes, schemas.Nodes, "nodes")
    schemas.check(tables.edges, schemas.Edges, "edges")
    schemas.check(tables.descriptions, schemas.Descriptions, "descriptions")


def test_tabs_gzip_and_parquet_change_nothing(tmp_path):
    plain = read(tmp_path)
    nodes, edges = (pl.read_csv(tmp_path / f"{name}.csv", infer_schema=False) for name in ("nodes", "edges"))
    tabs = [table.write_csv(separator="\t").encode() for table in (nodes, edges)]
    parquet = {"kg_nodes": tmp_path / "nodes.parquet", "kg_edges": tmp_path / "edges.parquet"}
    nodes.rename({"node": "id"}).write_parquet(parquet["kg_nodes"])
    edges.write_parquet(parquet["kg_edges"])
    packed = [gzip.compress(text, mtime=0) for text in tabs]
    for tables in (read(tmp_path, *tabs), read(tmp_path, *packed), Table().read(parquet)):
        assert tables.nodes.equals(plain.nodes)
        assert tables.edges.equals(plain.edges)
        assert tables.descriptions.equals(plain.descriptions)


BAD = {
    "a missing node": ({"edges": EDGES + "r,egfr,gone,\n"}, "edges.csv: row 4: tail 'gone' of a 'r' edge"),
    "a self-loop": ({"edges": EDGES + "r,egfr,egfr,\n"}, "edges.csv: row 4: self-loop on 'egfr'"),
    "an edge twice": (
        {"edges": EDGES + "drug_protein,aspirin,egfr,again\n"},
        "edges.csv: row 2: the 'drug_protein' edge 'egfr' - 'aspirin' is stored more than once (2 such rows)",
    ),
    "no type": ({"nodes": NODES.replace("Gene", "")}, "nodes.csv: row 2: no type"),
    "no relation": ({"edges": EDGES.replace("drug_protein", "")}, "edges.csv: row 2: no relation"),
    "an id twice": ({"nodes": NODES + "egfr,gene,x,,,\n"}, "rows 2 and 5: node 'egfr' twice"),
    "one thing under two ids": (
        {"nodes": NODES + "erbb1,protein,ERBB1,NCBI,1956,\n"},
        "rows 2 and 5: node 'gene/protein:NCBI:1956' twice",
    ),
    "no column": ({"nodes": NODES.replace("type", "kind")}, "nodes.csv: row 1: no column 'type'"),
    "neither node nor id": ({"nodes": NODES.replace("node", "key")}, "nodes.csv: row 1: no column 'id'"),
    "header only": ({"edges": EDGES.splitlines()[0] + "\n"}, "edges.csv: a header and no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_defect_is_one_line_that_names_it(tmp_path, case):
    change, message = BAD[case]
    with pytest.raises(InputError) as caught:
        read(tmp_path, **change)
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(pairs=st.sets(st.tuples(st.integers(0, 4), st.integers(5, 9)), min_size=1), turned=st.booleans())
@settings(max_examples=20)
def test_written_tables_are_read_back_unchanged(tmp_path, pairs, turned):
    nodes = "id,type\n" + "".join(f"n{i},{'drug' if i < 5 else 'gene'}\n" for i in range(10))
    edges = "relation,head,tail\n" + "".join(
        f"r,n{b},n{a}\n" if turned else f"r,n{a},n{b}\n" for a, b in sorted(pairs)
    )
    tables = read(tmp_path, nodes, edges)
    assert set(tables.edges.select("head", "tail").rows()) == {
        (f"drug:table:n{a}", f"gene/protein:table:n{b}") for a, b in pairs
    }
    check_edges(tables.nodes, tables.edges)
    paths = {"kg_nodes": tmp_path / "n.parquet", "kg_edges": tmp_path / "e.parquet"}
    tables.nodes.write_parquet(paths["kg_nodes"])
    tables.edges.write_parquet(paths["kg_edges"])
    again = Table().read(paths)
    assert again.nodes.equals(tables.nodes)
    assert again.edges.equals(tables.edges)


def test_unknown_values_written_by_r_are_unknown(tmp_path):
    nodes = (
        '"node","type","name","source","source_id","text","smiles"\n'
        '"NA","gene","NaN","NCBI","11280",NA,NA\n"d1","drug",NA,NA,NA,"An acid.",NA\n'
    )
    edges = '"relation","head","tail","provenance"\n"drug_protein","d1","NA",NA\n'
    tables = read(tmp_path, nodes, edges)
    # Ids and names are kept as written: NaN is the former name of a gene.
    assert tables.nodes.select("node", "name").rows() == [
        ("drug:table:d1", "d1"),
        ("gene/protein:NCBI:11280", "NaN"),
    ]
    assert tables.edges["provenance"].to_list() == ["table"]
    assert tables.descriptions.rows() == [("drug:table:d1", "An acid.", None)]
    with pytest.raises(InputError, match="row 2: no type"):
        read(tmp_path, nodes.replace('"gene"', "NA"), edges)
