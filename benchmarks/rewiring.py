"""Time degree-preserving rewiring: compared with networkx on small graphs, alone on large ones; print JSON.

python benchmarks/rewiring.py                          # 10,000 edges with networkx, 350,000 alone
python benchmarks/rewiring.py --alone 4000000          # the size of PrimeKG
python benchmarks/rewiring.py --graph graph.npz        # a merged graph of results/<name>/graph
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

import networkx
import numpy as np

from perturbkg.graph.arrays import Graph
from perturbkg.graph.rewiring import moved_share, swap_edges

SWAPS_PER_EDGE = 10


def heavy_tailed(edges: int, rng: np.random.Generator) -> Graph:
    """Draw a graph of one type and relation with the degree distribution of a knowledge graph."""
    nodes = edges // 17  # edges per node: within a factor of 2 of the real slice and PrimeKG
    weight = np.arange(1, nodes + 1) ** -0.6
    ends = rng.choice(nodes, size=(2, 2 * edges), p=weight / weight.sum())
    low, high = ends.min(axis=0), ends.max(axis=0)
    key = rng.permutation(np.unique((low * nodes + high)[low < high]))[:edges]
    zeros = np.zeros(nodes, dtype=np.int16)
    return Graph.from_edges(
        *np.divmod(key, nodes), np.zeros(len(key)), node_type=zeros, types=["gene"], relations=["interacts"]
    )


def timed(action: Callable[[], Graph], before: Graph) -> dict[str, float | None]:
    """Run once; return seconds and the share of edges that moved."""
    start = time.perf_counter()
    after = action()
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 3), "moved_share": moved_share(before, after)["all"]}


def perturbkg_swap(graph: Graph) -> Graph:
    """Attempt ten swaps for each edge, accepted or not."""
    return swap_edges(graph, SWAPS_PER_EDGE, np.random.default_rng(1))


def networkx_swap(graph: Graph) -> Graph:
    """Make ten swaps for each edge with networkx, which counts accepted swaps only."""
    head, tail, relation = graph.edges()
    peer = networkx.Graph(zip(head.tolist(), tail.tolist(), strict=True))
    swaps = SWAPS_PER_EDGE * len(head)
    networkx.double_edge_swap(peer, nswap=swaps, max_tries=100 * swaps, seed=1)
    return graph.with_edges(*np.array(peer.edges()).T, relation)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--compared", type=int, nargs="*", default=[10_000], help="edges, with networkx too")
    parser.add_argument("--alone", type=int, nargs="*", default=[350_000], help="edges, without networkx")
    parser.add_argument("--graph", help="a graph.npz")
    options = parser.parse_args()
    graphs = {size: heavy_tailed(size, np.random.default_rng(0)) for size in options.compared + options.alone}
    found = []
    for size, graph in graphs.items():
        result = {"graph": "heavy-tailed", "edges": len(graph.src) // 2, "perturbkg": None, "networkx": None}
        result["perturbkg"] = timed(lambda graph=graph: perturbkg_swap(graph), graph)
        if size in options.compared:
            result["networkx"] = timed(lambda graph=graph: networkx_swap(graph), graph)
        found.append(result)
    if options.graph:
        graph = Graph.load(options.graph)
        result = timed(lambda: perturbkg_swap(graph), graph)
        found.append({"graph": options.graph, "edges": len(graph.src) // 2, "perturbkg": result})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"swaps_per_edge": SWAPS_PER_EDGE, "peak_mib": round(peak), "runs": found}, indent=2))


if __name__ == "__main__":
    main()
