"""Measure a training run and keep its numeric kernels to a fixed number of threads."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


class Clock:
    """Wall-clock seconds of the named steps of a run."""

    def __init__(self) -> None:
        """Start with no step."""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block under a name."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB (10^6 bytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


@contextmanager
def numeric_threads(count: int) -> Iterator[None]:
    """Give BLAS, OpenMP and torch `count` threads inside: sums, and so last bits, depend on it.

    Call it when the libraries that will compute are imported already: others are not found.
    """
    torch = sys.modules.get("torch")
    with threadpool_limits(count):
        if torch is not None:
            torch.set_num_threads(count)
        yield
