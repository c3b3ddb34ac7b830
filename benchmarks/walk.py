"""Time the walk from every drug at PrimeKG's size, and what is computed from it; write JSON.

The walk of one block of drugs is compared with six products by scipy's sparse matrices; then all drugs walk,
and components, nearest nodes and nearest drugs are found, as `propagation` and `gat` do before training.

python benchmarks/walk.py --json OUT              # some minutes, 6 GB
python benchmarks/walk.py --drugs 2000
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import primekg
from attention import status

OPTIONS = {"restart": 0.3, "steps": 6}


def by_scipy(graph: Any, seeds: np.ndarray) -> np.ndarray:
    """Walk by scipy's product of a sparse and a dense matrix."""
    from perturbkg.graph.diffusion import adjacency, normalise  # noqa: PLC0415

    spread = normalise(adjacency(graph))
    start = np.zeros((graph.nodes, len(seeds)), np.float32)
    start[seeds, np.arange(len(seeds))] = 1
    walk = start
    for _ in range(OPTIONS["steps"]):
        walk = np.float32(1 - OPTIONS["restart"]) * (spread @ walk) + np.float32(OPTIONS["restart"]) * start
    return walk.T


def timed(function: Any, *arguments: Any, **options: Any) -> tuple[Any, float]:
    """Return the value of a call, and its seconds."""
    start = time.perf_counter()
    value = function(*arguments, **options)
    return value, round(time.perf_counter() - start, 2)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--factor", type=float, default=1.0, help="of PrimeKG's nodes and edges")
    parser.add_argument("--drugs", type=int, default=11_000, help="about half of them have an edge")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="a file for the JSON")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch  # noqa: PLC0415 - after the number of threads is set

    from perturbkg.graph.diffusion import BLOCK, Walk, random_walk_with_restart  # noqa: PLC0415
    from perturbkg.models._neighbours import nearest  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    data = primekg.draw(options.factor, drugs=options.drugs, columns=1)
    graph, seeds = data.graph, data.drug_node
    walking = seeds[np.isin(seeds, graph.dst)]
    next(random_walk_with_restart(graph, walking[:1], **OPTIONS))  # compiles
    before = status("VmRSS")
    ((_, ours),), seconds = timed(lambda: list(random_walk_with_restart(graph, walking[:BLOCK], **OPTIONS)))
    peer, peer_seconds = timed(by_scipy, graph, walking[:BLOCK])
    difference = float(np.abs(ours - peer).max() / np.abs(peer).max())
    del ours, peer
    walk, walk_seconds = timed(Walk.of, graph, seeds, **OPTIONS, factor=1e4, own_node=False)
    _, gram_seconds = timed(lambda: walk.gram)
    train = np.arange(0, options.drugs * 4 // 5)
    (mean, axes), axes_seconds = timed(walk.principal_axes, train, 128)
    _, scores_seconds = timed(walk.scores, mean, axes)
    _, nodes_seconds = timed(nearest, walk.rows, options.drugs, 32)
    _, drugs_seconds = timed(nearest, walk.cosine, options.drugs, 24)
    report = {
        "nodes": graph.nodes,
        "edges": len(graph.src),
        "drugs": options.drugs,
        "drugs_with_an_edge": len(walking),
        "threads": options.threads,
        "block": {"drugs": BLOCK, "seconds": seconds, "scipy": peer_seconds, "difference": difference},
        "seconds": {
            "walk": walk_seconds,
            "inner_products": gram_seconds,
            "components": axes_seconds,
            "scores": scores_seconds,
            "nearest_nodes": nodes_seconds,
            "nearest_drugs": drugs_seconds,
        },
        "peak_mb_above_inputs": round(status("VmHWM") - before),
    }
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
