"""Seconds and peak memory of reading a kg.csv into nodes and undirected edges, against pandas.

python benchmarks/read_kg.py --rows 4000000 --json read_kg.json
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from measure import compare

KEYS = ("index", "id", "type", "name", "source")
KINDS = ("gene/protein NCBI", "drug DrugBank", "disease MONDO", "pathway REACTOME", "biological_process GO")
RELATIONS = ("protein_protein ppi", "drug_protein target", "disease_protein associated with")


def generate(path: Path, rows: int) -> None:
    """Write a kg.csv as large as asked for, in both directions, with repeats and self-loops."""
    rng = np.random.default_rng(0)
    count = max(4, rows // 31)  # PrimeKG: 129,375 nodes, 4 million edges
    kind = rng.integers(0, len(KINDS), count)
    relation = rng.integers(0, len(RELATIONS), rows // 2)
    nodes = pl.DataFrame({"index": np.arange(count)}).select(
        "index",
        id=pl.format("ID{}", "index"),
        type=pl.Series([KINDS[k].split()[0] for k in kind]),
        name=pl.format("the name of node number {}, as long as real ones", "index"),
        source=pl.Series([KINDS[k].split()[1] for k in kind]),
    )
    ends = rng.integers(0, count, (2, rows // 2))
    named = pl.DataFrame(
        {
            "relation": [name.split(" ", 1)[0] for name in RELATIONS],
            "display_relation": [name.split(" ", 1)[1] for name in RELATIONS],
        }
    )[relation]
    with path.open("wb") as file:
        for direction, (x, y) in enumerate([(ends[0], ends[1]), (ends[1], ends[0])]):
            sides = [
                nodes[end].rename({key: f"{side}_{key}" for key in KEYS})
                for side, end in (("x", x), ("y", y))
            ]
            pl.concat([named, *sides], how="horizontal").write_csv(file, include_header=direction == 0)


def ours(path: str) -> tuple[int, int]:
    """Read with the reader of this project; return the numbers of nodes and edges."""
    from perturbkg.knowledge_graphs.primekg import PrimeKG  # noqa: PLC0415 - each peer loads only its own

    tables = PrimeKG().read({"kg": Path(path)})
    return len(tables.nodes), len(tables.edges)


def pandas(path: str) -> tuple[int, int]:
    """Do the same in pandas, as PrimeKG's own notebooks do."""
    import pandas as pd  # noqa: PLC0415

    rows = pd.read_csv(path, dtype=str)
    ends = {
        side: rows[f"{side}_type"] + ":" + rows[f"{side}_source"] + ":" + rows[f"{side}_id"] for side in "xy"
    }
    names = pd.concat(
        [pd.DataFrame({"node": ends[side], "name": rows[f"{side}_name"]}) for side in "xy"]
    ).drop_duplicates("node")
    first = ends["x"] < ends["y"]
    edges = pd.DataFrame(
        {
            "relation": rows["relation"],
            "head": ends["x"].where(first, ends["y"]),
            "tail": ends["y"].where(first, ends["x"]),
        }
    )
    edges = edges[edges["head"] != edges["tail"]].drop_duplicates()
    return len(names), len(edges)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kg.csv"
        generate(source, arguments.rows)
        result = {
            "rows": arguments.rows,
            "megabytes": round(source.stat().st_size / 1e6),
            **compare({"perturbkg": ours, "pandas": pandas}, str(source)),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
