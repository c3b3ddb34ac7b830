"""Time and peak memory of the report's tables: 240 runs x 774 test signatures x every metric; print JSON.

python benchmarks/report.py    # 2.8 million fabricated scores; the tables are made in a separate process
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from perturbkg.metrics import value_infos

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))
from fabricated import MODELS, fabricate
from reports import make_tables

MORE_MODELS = {"mean": 0.2, "mlp_no_drug": 0.29, "ridge": 0.31, "nearest_drugs": 0.31}


def measure(made: dict[str, object], folder: Path) -> dict[str, float]:
    """Make the tables; return seconds and the peak resident memory of this process."""
    start = time.perf_counter()
    make_tables(made, folder, resamples=2000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": round(time.perf_counter() - start, 1), "peak_memory_mb": round(peak)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        made = fabricate(
            Path(name),
            signatures=3870,
            parents=1290,
            cells=24,
            folds=5,
            seeds=(1, 2),
            models=MODELS | MORE_MODELS,
            metrics=tuple(value_infos()),
        )
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(json.dumps(pool.apply(measure, (made, Path(name)))))
