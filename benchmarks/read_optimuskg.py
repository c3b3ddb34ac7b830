"""Seconds and peak memory of reading OptimusKG's two tables, compared with loading them completely.

python benchmarks/read_optimuskg.py --edges 21813816 --folder /tmp/optimuskg --json read_optimuskg.json

The files are made once in the folder, with OptimusKG's types, relations, numbers and sizes.
"""

import argparse
import base64
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from measure import compare
from perturbkg.io.files import written_beside
from perturbkg.io.scripting import progress
from read_kg import SKEW

# Node label: number of nodes, id, bytes of properties.
NODES = {
    "ANA": (13_120, "UBERON_{:07}", 300),
    "BPO": (25_754, "GO_0{:06}", 300),
    "CCO": (4_052, "GO_1{:06}", 300),
    "DIS": (36_345, "MONDO_{:07}", 800),
    "DRG": (16_766, "CHEMBL{}", 9_000),
    "EXP": (881, "MESH_{}", 100),
    "GEN": (61_306, "ENSG{:011}", 6_000),
    "MFN": (10_161, "GO_2{:06}", 300),
    "PHE": (19_341, "HP_{:07}", 400),
    "PWY": (2_805, "R-HSA-{}", 100),
}
# Edge label, relation, number of edges.
EDGES = [
    ("DIS-GEN", "ASSOCIATED_WITH", 9_734_774),
    ("ANA-GEN", "EXPRESSION_PRESENT", 6_616_463),
    ("ANA-GEN", "EXPRESSION_ABSENT", 2_171_492),
    ("DRG-DRG", "SYNERGISTIC_INTERACTION", 1_341_086),
    ("PHE-GEN", "ASSOCIATED_WITH", 793_279),
    ("GEN-GEN", "INTERACTS_WITH", 327_924),
    ("BPO-GEN", "INTERACTS_WITH", 158_410),
    ("DIS-PHE", "PHENOTYPE_PRESENT", 157_144),
    ("CCO-GEN", "INTERACTS_WITH", 105_309),
    ("MFN-GEN", "INTERACTS_WITH", 90_933),
    ("DRG-DIS", "INDICATION", 57_601),
    ("PWY-GEN", "INTERACTS_WITH", 46_977),
    ("BPO-BPO", "IS_A", 44_494),
    ("DIS-DIS", "PARENT", 44_215),
    ("PHE-PHE", "PARENT", 24_862),
    ("ANA-ANA", "PARENT", 17_082),
    ("MFN-MFN", "IS_A", 12_587),
    ("DRG-DIS", "CONTRAINDICATION", 11_718),
    ("DRG-GEN", "TARGET", 9_465),
    ("DRG-PHE", "CONTRAINDICATION", 8_279),
    ("DRG-GEN", "ENZYME", 4_857),
    ("CCO-CCO", "IS_A", 4_639),
    ("DRG-DRG", "PARENT", 4_290),
    ("EXP-GEN", "INTERACTS_WITH", 2_989),
    ("PWY-PWY", "PARENT", 2_819),
    ("EXP-EXP", "PARENT", 2_443),
    ("EXP-DIS", "LINKED_TO", 2_391),
    ("EXP-BPO", "INTERACTS_WITH", 2_260),
    ("DRG-DIS", "OFF_LABEL_USE", 1_061),
    ("DRG-GEN", "INHIBITOR", 845),
]
ROWS = 21_813_816  # of OptimusKG


def generate(folder: Path, rows: int) -> None:
    """Write both files, with about this many edges."""
    rng = np.random.default_rng(0)
    share = rows / ROWS
    ids, tables = {}, []
    for label, (count, pattern, size) in progress(NODES.items(), desc="nodes.parquet"):
        number = max(50, round(count * share))
        ids[label] = pl.Series([pattern.format(i) for i in range(1, number + 1)])
        tables.append(
            pl.DataFrame(
                {
                    "id": ids[label],
                    "label": [label] * number,
                    "properties": [_properties(rng, label, i, size) for i in range(number)],
                }
            )
        )
    with written_beside(folder / "nodes.parquet") as temporary:
        pl.concat(tables).write_parquet(temporary)
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    for number, (label, relation, count) in enumerate(progress(EDGES, desc="edges.parquet")):
        head, tail = (ids[part] for part in label.split("-"))
        wanted = min(max(1, round(count * share)), len(head) * (len(tail) - 1) // 4)
        x, y = _pairs(rng, len(head), len(tail), wanted, same=head is tail)
        pl.DataFrame({"from": head[x], "to": tail[y]}).with_columns(
            label=pl.lit(label),
            relation=pl.lit(relation),
            undirected=pl.lit(value=True),
            properties=pl.concat_str(
                pl.lit('{"sources":{"direct":["OPEN_TARGETS"],"indirect":[]},"evidence_score":'),
                pl.Series(rng.random(wanted).round(6)).cast(pl.String),
                pl.lit("}"),
            ),
        ).write_parquet(parts / f"{number:02}.parquet")
    with written_beside(folder / "edges.parquet") as temporary:
        pl.scan_parquet(parts).sink_parquet(temporary)
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()


def _properties(rng: np.random.Generator, label: str, number: int, size: int) -> str:
    """Return the JSON of a node, of realistic size."""
    filling = base64.b64encode(rng.bytes(size * 3 // 4)).decode()
    found = {"name": f"the name of {label} {number}", "description": filling[: min(size, 200)]}
    if label == "GEN":
        found |= {
            "symbol": f"GN{number}",
            "function_descriptions": [filling[:150]],
            "transcript_ids": [filling],
        }
    if label == "DRG":
        found |= {"canonical_smiles": "C" * (1 + number % 60), "mol_image_base64": filling}
    return json.dumps(found)


def _pairs(
    rng: np.random.Generator, heads: int, tails: int, count: int, *, same: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return this many distinct pairs without self-loops, in any direction; the first nodes are hubs."""
    found = np.empty(0, np.int64)
    while len(found) < count:
        x = (heads * rng.random(2 * count) ** SKEW).astype(np.int64)
        y = (tails * rng.random(2 * count) ** SKEW).astype(np.int64)
        found = np.unique(np.concatenate([found, (x * tails + y)[(x != y) | (not same)]]))
    found = rng.choice(found, count, replace=False)
    return found // tails, found % tails


def ours(nodes: str, edges: str, folder: str) -> dict[str, int]:
    """Read with this project's reader and write its tables; return the counts."""
    from perturbkg import schemas  # noqa: PLC0415 - each function loads only what it needs
    from perturbkg.knowledge_graphs.optimuskg import OptimusKG  # noqa: PLC0415

    tables = OptimusKG().read({"kg_nodes": Path(nodes), "kg_edges": Path(edges)})
    schemas.write(tables.nodes, schemas.Nodes, Path(folder, "nodes.parquet"))
    schemas.write(tables.edges, schemas.Edges, Path(folder, "edges.parquet"))
    schemas.write(tables.descriptions, schemas.Descriptions, Path(folder, "descriptions.parquet"))
    smiles = tables.descriptions["smiles"].count()
    kinds = tables.edges["relation"].value_counts().sort("relation")
    return {"nodes": len(tables.nodes), "structures": smiles, **dict(kinds.rows())}


def whole(nodes: str, edges: str, _folder: str) -> dict[str, int]:
    """Load both tables completely, as the publisher's client does; do the same, but write nothing."""
    from perturbkg.knowledge_graphs._vocabulary import OPTIMUSKG_RELATIONS  # noqa: PLC0415

    found = pl.read_parquet(nodes)
    properties = [json.loads(each) for each in found["properties"]]
    smiles = sum("canonical_smiles" in each for each in properties)
    rows = pl.read_parquet(edges)
    known = found.select("id", "label")
    for end in ("from", "to"):
        rows = rows.join(known.rename({"id": end, "label": f"{end}_label"}), on=end, how="left")
    kind = pl.concat_str("label", pl.lit(" "), "relation").replace(OPTIMUSKG_RELATIONS)
    of_label = pl.col("label").replace(OPTIMUSKG_RELATIONS)
    distinct = (
        rows.filter(pl.col("from") != pl.col("to"))
        .select(
            relation=pl.when(kind.str.contains("^[A-Z]{3}-")).then(of_label).otherwise(kind),
            head=pl.min_horizontal("from", "to"),
            tail=pl.max_horizontal("from", "to"),
        )
        .unique()
        .sort("relation", "head", "tail")
    )
    kinds = distinct["relation"].value_counts().sort("relation")
    return {"nodes": len(found), "structures": smiles, **dict(kinds.rows())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, help="folder in which the files are kept between runs")
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)) / f"optimuskg_{arguments.edges}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "nodes.parquet", folder / "edges.parquet"
        if not paths[1].exists():
            generate(folder, arguments.edges)
        result = {
            "edges": arguments.edges,
            "megabytes": [round(path.stat().st_size / 1e6) for path in paths],
            **compare({"perturbkg": ours, "tables loaded whole": whole}, *map(str, paths), temporary),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
