"""The benchmark runs: every metric is timed, and the peers agree with the values."""

import runpy
from pathlib import Path

from perturbkg import plugins

BENCHMARK = Path(__file__).parents[3] / "benchmarks/metrics.py"


def test_measures_every_metric_and_agrees_with_its_peers():
    result = runpy.run_path(str(BENCHMARK))["measure"](40)
    assert list(result["seconds"]) == plugins.names("metrics")
    assert result["seconds_total"] > 0
    assert set(result["row_by_row"]) == {"pearson", "spearman", "auprc_deg"}
