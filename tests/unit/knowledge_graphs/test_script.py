import runpy
from pathlib import Path

import polars as pl

from perturbkg import schemas

SCRIPT = Path(__file__).parents[3] / "scripts/read_knowledge_graph.py"


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
