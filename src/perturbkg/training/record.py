"""Measure a training run, and fix what its numbers may depend on: threads and generators."""

import resource
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
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
    """Give BLAS, OpenMP and torch `count` threads inside the block: the last bits of sums depend on it.

    Call it after the libraries that compute are imported: it does not find others.
    """
    torch = sys.modules.get("torch")
    with threadpool_limits(count):
        if torch is not None:
            torch.set_num_threads(count)
        yield


def ablation_generator(seed: int, ablation: str) -> np.random.Generator:
    """Return the generator of an ablation: its own in each seed, and the same on every machine."""
    return np.random.default_rng([seed, zlib.crc32(ablation.encode())])
