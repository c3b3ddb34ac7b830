"""Seconds and peak memory of standardising compounds and matching them to the drugs of a knowledge graph.

python benchmarks/match_drugs.py --compounds 34000 --nodes 8000 --threads 1 2 --json match_drugs.json

LINCS 2020 has 34,000 compounds, PrimeKG 8,000 drugs. The compounds are those of the simulated world, some of
them salts and stereoisomers; half of the nodes are drugs among them, by structure, cross-reference or name.
"""

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from perturbkg.drugs import prepare as room
from perturbkg.drugs.matching import match
from perturbkg.io.files import write_json
from perturbkg.simulation.molecules import SCAFFOLDS_AT_MOST, design, salt, stereoisomer

VARIANT_SHARE = 0.1  # salts and stereoisomers
KNOWN_SHARE = 0.85  # of the nodes with a structure
SUBSTITUTIONS = 150  # of a scaffold


def generate(compounds: int, nodes: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Make Compounds.table, Nodes and Descriptions."""
    rng = np.random.default_rng(0)
    parents = round(compounds * (1 - VARIANT_SHARE))
    others = nodes - nodes // 2  # drugs that only the graph has
    smiles = design(parents + others, min(SCAFFOLDS_AT_MOST, 2 + parents // SUBSTITUTIONS), rng).smiles
    drawn = smiles[:parents]
    for turn, row in enumerate(rng.choice(parents, compounds - parents)):
        drawn.append((stereoisomer(smiles[row]) if turn % 2 else None) or salt(smiles[row]))
    table = pl.DataFrame(
        {
            "drug": [f"BRD-K{row:08d}" for row in range(compounds)],
            "name": [f"compound-{row}" for row in range(compounds)],
            "smiles": drawn,
            "inchikey": pl.Series([None] * compounds, dtype=pl.String),
            "aliases": pl.Series([[]] * compounds, dtype=pl.List(pl.String)),
            "targets": pl.Series([[]] * compounds, dtype=pl.List(pl.String)),
            "xref": [[f"DB{row:05d}"] if row % 3 == 0 else [] for row in range(compounds)],
            "row": range(2, compounds + 2),
        }
    )
    row_of_node = np.concatenate(
        [rng.choice(parents, nodes - others, replace=False), parents + np.arange(others)]
    )
    known = rng.random(nodes) < KNOWN_SHARE
    node = [f"drug:DrugBank:DB{row:05d}" for row in row_of_node]
    nodes_table = pl.DataFrame(
        {
            "node": node,
            "type": "drug",
            "source": "DrugBank",
            "source_id": [f"DB{row:05d}" for row in row_of_node],
            "name": [f"Compound {row}" if row < parents else f"Drug, {row}" for row in row_of_node],
        }
    )
    descriptions = pl.DataFrame(
        {"node": node, "smiles": [smiles[row] for row in row_of_node], "known": known}
    ).filter("known")
    return table, nodes_table, descriptions.drop("known")


def run(tables: tuple[pl.DataFrame, ...], threads: int, answers: Any) -> None:
    """Prepare once; return the result, the seconds, those spent on matching, and the memory in MB."""
    table, nodes, descriptions = tables
    spent = 0.0

    def timed(*arguments: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        found = match(*arguments)
        spent = time.perf_counter() - start
        return found

    room.match = timed
    start = time.perf_counter()
    made = room.prepare(table, table["drug"], nodes, {}, descriptions=descriptions, threads=threads)
    seconds = time.perf_counter() - start
    kilobytes = [
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    ways = dict(made.matches["match"].value_counts(sort=True).iter_rows())
    identity = made.drugs.hash_rows().sum() ^ made.matches.hash_rows().sum()
    measured = {
        "threads": threads,
        "seconds": round(seconds, 1),
        "seconds_matching": round(spent, 1),
        "peak_mb": round(kilobytes[0] / 1024),
        "peak_mb_of_a_worker": round(kilobytes[1] / 1024),
    }
    answers.put((measured, ways, identity))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compounds", type=int, default=34_000)
    parser.add_argument("--nodes", type=int, default=8_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, help="also write the result here")
    arguments = parser.parse_args()
    tables = generate(arguments.compounds, arguments.nodes)
    context = multiprocessing.get_context("spawn")
    runs = []
    for threads in arguments.threads:
        answers = context.SimpleQueue()
        process = context.Process(target=run, args=(tables, threads, answers))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"{threads} threads: ended with {process.exitcode}")
        runs.append(answers.get())
    assert all(run[1:] == runs[0][1:] for run in runs), "the number of processes changed the result"
    result = {
        "compounds": arguments.compounds,
        "nodes": arguments.nodes,
        "ways": runs[0][1],
        "runs": [measured for measured, *_ in runs],
    }
    print(json.dumps(result, indent=2))
    if arguments.json:
        write_json(result, arguments.json)
