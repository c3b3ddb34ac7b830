import runpy
from pathlib import Path

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.knowledge_graphs.primekg import COLUMNS

SCRIPT = Path(__file__).parents[3] / "scripts/read_knowledge_graph.py"


def test_a_graph_without_an_edge_is_refused(tmp_path):
    node = "{0},7,gene/protein,A,NCBI"
    (tmp_path / "kg.csv").write_text(
        f"{','.join(COLUMNS)}\ndrug_protein,x,{node.format(0)},{node.format(0)}\n"
    )
    with pytest.raises(InputError) as caught:
        runpy.run_path(str(SCRIPT))["main"](
            files={"kg": str(tmp_path / "kg.csv")},
            reader="primekg",
            **dict.fromkeys(("nodes", "edges", "descriptions", "counts"), tmp_path / "out.parquet"),
        )
    assert "kg.csv: no edge between two nodes" in str(caught.value)
    assert "edges: read 1, edges: self-loop 1" in str(caught.value)
    assert not (tmp_path / "out.parquet").exists()


def test_the_script_writes_equal_tables_twice(tmp_path):
    (tmp_path / "n.csv").write_text("id,type,smiles\nb,drug,CCO\na,gene,\n")
    (tmp_path / "e.csv").write_text("relation,head,tail\ndrug_protein,a,b\n")
    for name in ("one", "two"):
        runpy.run_path(str(SCRIPT))["main"](
            files={"kg_nodes": str(tmp_path / "n.csv"), "kg_edges": str(tmp_path / "e.csv")},
            reader="table",
            **{
                table: tmp_path / f"{name}.{table}.parquet"
                for table in ("nodes", "edges", "descriptions", "counts")
            },
        )
    assert schemas.read(tmp_path / "one.nodes.parquet", schemas.Nodes)["name"].to_list() == ["b", "a"]
    assert schemas.read(tmp_path / "one.edges.parquet", schemas.Edges).height == 1
    assert schemas.read(tmp_path / "one.descriptions.parquet", schemas.Descriptions).rows() == [
        ("drug:table:b", None, "CCO")
    ]
    assert pl.read_parquet(tmp_path / "one.counts.parquet").height == 4
    for table in ("nodes", "edges", "descriptions", "counts"):
        written = [(tmp_path / f"{name}.{table}.parquet").read_bytes() for name in ("one", "two")]
        assert written[0] == written[1]
