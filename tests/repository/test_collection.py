"""The collected tests depend only on the code: not on the time, the process, or the order of a set."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collect(hash_seed: int) -> list[str]:
    """Return the ids of all tests except this file's, in order, as collected by a new process."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTEST_ADDOPTS": ""}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2_000:] + run.stderr[-2_000:]
    return [line for line in run.stdout.splitlines() if "::" in line]


def test_the_same_tests_are_collected_by_another_process_seconds_later() -> None:
    first = collect(hash_seed=1)
    time.sleep(2)  # the resolution of the times in a zip file
    second = collect(hash_seed=2)
    assert len(first) > 1_000
    assert second == first
