"""Processor seconds and memory of every metric, compared with row-by-row SciPy and scikit-learn.

python benchmarks/metrics.py --signatures 100000 --json metrics.json
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score

from perturbkg import plugins
from perturbkg.io.files import write_json
from perturbkg.metrics import Evaluation

GENES, CELLS, PEER_ROWS = 978, 50, 500
PEERS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "pearson": lambda y, p: pearsonr(y, p).statistic,
    "spearman": lambda y, p: spearmanr(y, p).statistic,
    "auprc_deg": lambda y, p: average_precision_score(np.abs(y) >= 2, np.abs(p)),
}


def simulated(signatures: int) -> Evaluation:
    """Make profiles with a mean per cell line and an effect per drug."""
    rng = np.random.default_rng(0)
    cell = rng.integers(0, CELLS, signatures)
    mean = rng.standard_normal((CELLS, GENES), dtype=np.float32)
    observed = rng.standard_normal((signatures, GENES), dtype=np.float32)
    predicted = rng.standard_normal((signatures, GENES), dtype=np.float32)
    for start in range(0, signatures, 1000):  # in blocks, so that the memory of the metrics is visible
        rows = slice(start, start + 1000)
        observed[rows] += mean[cell[rows]]
        predicted[rows] += 0.5 * observed[rows]
    return Evaluation(observed, predicted, cell, mean)


def measure(signatures: int) -> dict[str, object]:
    """Time each metric file on all signatures, and its counterpart on a few, scaled up to all."""
    evaluation = simulated(signatures)
    seconds, peers = {}, {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in plugins.names("metrics"):
        metric = plugins.create("metrics", name)
        start = time.process_time()
        values = metric.compute(evaluation)
        seconds[name] = time.process_time() - start
        if name in PEERS:
            rows = range(min(PEER_ROWS, signatures))
            start = time.process_time()
            expected = [PEERS[name](evaluation.observed[row], evaluation.predicted[row]) for row in rows]
            of_peer = (time.process_time() - start) * signatures / len(rows)
            assert np.allclose(values[name][: len(rows)], expected, atol=1e-5)
            peers[name] = {"seconds": of_peer, "ratio": of_peer / seconds[name]}
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "signatures": signatures,
        "genes": GENES,
        "cell_lines": CELLS,
        "seconds": seconds,
        "seconds_total": sum(seconds.values()),
        "row_by_row": peers,
        "memory_of_inputs_mb": before / 1024,
        "memory_added_mb": (after - before) / 1024,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=100_000)
    parser.add_argument("--json", help="write the result to this file")
    arguments = parser.parse_args()
    result = measure(arguments.signatures)
    print(json.dumps(result, indent=2))
    if arguments.json:
        write_json(result, arguments.json)
