"""Seconds and peak memory of reading a kg.csv into the tables of nodes and edges, compared with pandas.

python benchmarks/read_kg.py --rows 8100498 --folder /tmp/kg --json read_kg.json

The file is made once in the folder, with PrimeKG's types, relations and numbers, and names of similar length.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from measure import compare
from perturbkg.io.files import written_beside
from perturbkg.io.scripting import progress

# Node type: its share of PrimeKG's nodes, source, id, words in a name (Chandak et al. 2023, table 2).
TYPES = {
    "anatomy": (14_035, "UBERON", "{}", 3),
    "biological_process": (28_642, "GO", "{}", 4),
    "cellular_component": (4_176, "GO", "{}", 3),
    "disease": (17_080, "MONDO", "{}", 3),
    "drug": (7_957, "DrugBank", "DB{}", 1),
    "effect/phenotype": (15_311, "HPO", "{}", 3),
    "exposure": (818, "CTD", "C{}", 2),
    "gene/protein": (27_671, "NCBI", "{}", 0),
    "molecular_function": (11_169, "GO", "{}", 5),
    "pathway": (2_516, "REACTOME", "R-HSA-{}", 4),
}
GENE = "gene/protein"
# Relation, display relation, the types of its ends, and its rows in PrimeKG, both directions (table 3).
RELATIONS = [
    ("anatomy_protein_present", "expression present", "anatomy", GENE, 3_036_406),
    ("drug_drug", "synergistic interaction", "drug", "drug", 2_672_628),
    ("protein_protein", "ppi", GENE, GENE, 642_150),
    ("disease_phenotype_positive", "phenotype present", "disease", "effect/phenotype", 300_634),
    ("bioprocess_protein", "interacts with", "biological_process", GENE, 289_610),
    ("cellcomp_protein", "interacts with", "cellular_component", GENE, 166_804),
    ("disease_protein", "associated with", "disease", GENE, 160_822),
    ("molfunc_protein", "interacts with", "molecular_function", GENE, 139_060),
    ("drug_effect", "side effect", "drug", "effect/phenotype", 129_568),
    ("bioprocess_bioprocess", "parent-child", "biological_process", "biological_process", 105_772),
    ("pathway_protein", "interacts with", "pathway", GENE, 85_292),
    ("disease_disease", "parent-child", "disease", "disease", 64_388),
    ("contraindication", "contraindication", "drug", "disease", 61_350),
    ("drug_protein", "target", "drug", GENE, 51_306),
    ("anatomy_protein_absent", "expression absent", "anatomy", GENE, 39_774),
    ("phenotype_phenotype", "parent-child", "effect/phenotype", "effect/phenotype", 37_472),
    ("anatomy_anatomy", "parent-child", "anatomy", "anatomy", 28_064),
    ("molfunc_molfunc", "parent-child", "molecular_function", "molecular_function", 27_148),
    ("indication", "indication", "drug", "disease", 18_776),
    ("cellcomp_cellcomp", "parent-child", "cellular_component", "cellular_component", 9_690),
    ("phenotype_protein", "associated with", "effect/phenotype", GENE, 6_660),
    ("off-label use", "off-label use", "drug", "disease", 5_136),
    ("pathway_pathway", "parent-child", "pathway", "pathway", 5_070),
    ("exposure_disease", "linked to", "exposure", "disease", 4_608),
    ("exposure_exposure", "parent-child", "exposure", "exposure", 4_140),
    ("exposure_bioprocess", "interacts with", "exposure", "biological_process", 3_250),
    ("exposure_protein", "interacts with", "exposure", GENE, 2_424),
    ("disease_phenotype_negative", "phenotype absent", "disease", "effect/phenotype", 2_386),
    ("exposure_molfunc", "interacts with", "exposure", "molecular_function", 90),
    ("exposure_cellcomp", "interacts with", "exposure", "cellular_component", 20),
]
ROWS = sum(count for *_, count in RELATIONS)  # 8,100,498
REPEATS = 370  # duplicated rows of PrimeKG
GROUPED = 0.05  # share of diseases that are several MONDO terms: 13924_12592_14672
SKEW = 2.2  # how steeply degrees fall from hubs to the rest
AT_ONCE = 250_000  # rows written together
KEYS = ("index", "id", "type", "name", "source")


def generate(path: Path, rows: int) -> None:
    """Write a kg.csv with about this many rows: both directions, hubs, repeats, grouped ids."""
    rng = np.random.default_rng(0)
    share = rows / ROWS
    nodes, first = _nodes(rng, share)
    statements = [
        (relation, display, *_pairs(rng, first[head], first[tail], max(1, round(count * share / 2))))
        for relation, display, head, tail, count in RELATIONS
    ]
    relation, display, x, y = statements[0]
    repeats = round(REPEATS * share)
    statements[0] = relation, display, x[repeats // 2 :], y[repeats // 2 :]
    forth = [*statements, (relation, display, x[-repeats:], y[-repeats:])]
    back = [(relation, display, tail, head) for relation, display, head, tail in statements]
    with written_beside(path) as temporary, temporary.open("wb") as file:
        file.write(
            ",".join(["relation", "display_relation", *(f"{s}_{k}" for s in "xy" for k in KEYS)]).encode()
        )
        file.write(b"\n")
        for relation, display, x, y in progress([*forth, *back], desc=path.name):
            for start in range(0, len(x), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                sides = [
                    nodes[end[part]].rename({key: f"{side}_{key}" for key in KEYS})
                    for side, end in (("x", x), ("y", y))
                ]
                pl.concat(sides, how="horizontal").select(
                    pl.lit(relation).alias("relation"), pl.lit(display).alias("display_relation"), pl.all()
                ).write_csv(file, include_header=False)


def _nodes(rng: np.random.Generator, share: float) -> tuple[pl.DataFrame, dict[str, range]]:
    """Return index, id, type, name and source of all nodes, and the numbers of each type's nodes."""
    tables, first, start = [], {}, 0
    for node_type, (count, source, pattern, words) in TYPES.items():
        number = max(20, round(count * share))
        ids = rng.permutation(np.arange(10 * number))[:number]
        terms = [pattern.format(i) for i in ids]
        sources = [source] * number
        if node_type == "disease":
            for i in np.flatnonzero(rng.random(number) < GROUPED):
                terms[i] = "_".join(str(j) for j in (ids[i], ids[i] + 10 * number, ids[i] + 20 * number))
                sources[i] = f"{source}_grouped"
        names = [_name(rng, words, start + i) for i in range(number)]
        tables.append(
            pl.DataFrame(
                {
                    "index": range(start, start + number),
                    "id": terms,
                    "type": [node_type] * number,
                    "name": names,
                    "source": sources,
                }
            )
        )
        first[node_type] = range(start, start + number)
        start += number
    return pl.concat(tables), first


def _name(rng: np.random.Generator, words: int, number: int) -> str:
    """Return a name with this many words (0: a gene's symbol), some with a comma or quotation marks."""
    if not words:
        return f"GN{number}"
    letters = "".join(rng.choice(list("aeilnorst"), 8 * words))
    name = " ".join(letters[8 * w : 8 * w + int(rng.integers(4, 9))] for w in range(words))
    if rng.random() < 0.03:
        return name.replace(" ", ", ", 1) if rng.random() < 0.8 else f'{name} "type II"'
    return name


def _pairs(rng: np.random.Generator, head: range, tail: range, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return this many distinct pairs without self-loops; the first nodes of each type are hubs."""
    count = min(count, len(head) * (len(tail) - 1) // 4)
    found = np.empty(0, np.int64)
    while len(found) < count:
        x = (len(head) * rng.random(2 * count) ** SKEW).astype(np.int64)
        y = (len(tail) * rng.random(2 * count) ** SKEW).astype(np.int64)
        if head == tail:
            x, y = np.minimum(x, y), np.maximum(x, y)
            x, y = x[x != y], y[x != y]
        found = np.unique(np.concatenate([found, x * len(tail) + y]))
    found = rng.choice(found, count, replace=False)
    return head.start + found // len(tail), tail.start + found % len(tail)


def ours(path: str, folder: str) -> dict[str, int]:
    """Read with this project's reader and write both tables; return the counts."""
    from perturbkg import schemas  # noqa: PLC0415 - each function loads only what it needs
    from perturbkg.knowledge_graphs.primekg import PrimeKG  # noqa: PLC0415

    tables = PrimeKG().read({"kg": Path(path)})
    schemas.write(tables.nodes, schemas.Nodes, Path(folder, "nodes.parquet"))
    schemas.write(tables.edges, schemas.Edges, Path(folder, "edges.parquet"))
    return {
        "nodes": len(tables.nodes),
        **dict(tables.edges["relation"].value_counts().sort("relation").rows()),
    }


def pandas(path: str, _folder: str) -> dict[str, int]:
    """Do the same in pandas, as PrimeKG's notebooks do; write nothing: pandas alone has no Parquet."""
    import pandas as pd  # noqa: PLC0415

    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    ends = {
        side: rows[f"{side}_type"] + ":" + rows[f"{side}_source"] + ":" + rows[f"{side}_id"] for side in "xy"
    }
    nodes = pd.concat(
        [pd.DataFrame({"node": ends[s], **{key: rows[f"{s}_{key}"] for key in KEYS}}) for s in "xy"]
    ).drop_duplicates("node")
    first = ends["x"] < ends["y"]
    edges = pd.DataFrame(
        {
            "relation": rows["relation"],
            "head": ends["x"].where(first, ends["y"]),
            "tail": ends["y"].where(first, ends["x"]),
            "provenance": rows["display_relation"],
        }
    )
    edges = edges[edges["head"] != edges["tail"]].drop_duplicates(["relation", "head", "tail"])
    nodes, edges = nodes.sort_values("node"), edges.sort_values(["relation", "head", "tail"])
    return {"nodes": len(nodes), **edges["relation"].value_counts().sort_index().to_dict()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, help="folder in which the file is kept between runs")
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / f"kg_{arguments.rows}.csv"
        if not source.exists():
            generate(source, arguments.rows)
        result = {
            "rows": arguments.rows,
            "megabytes": round(source.stat().st_size / 1e6),
            **compare({"perturbkg": ours, "pandas": pandas}, str(source), temporary),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
