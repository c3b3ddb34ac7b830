"""Run functions that must agree, each in a separate process; compare their seconds and peak memory."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any


def _run(function: Callable[..., Any], arguments: tuple[Any, ...], answers: Any) -> None:
    """Call a function; return its value, its seconds and the peak memory of its process in MB."""
    start = time.perf_counter()
    value = function(*arguments)
    seconds = time.perf_counter() - start
    answers.put((value, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def compare(functions: dict[str, Callable[..., Any]], *arguments: Any) -> dict[str, Any]:
    """Run each function once. The first is ours; `ratio` divides what another needs by what ours needs.

    Raises AssertionError if another returns a different value, as the comparison would mean nothing.
    """
    context = multiprocessing.get_context("spawn")
    found = {}
    for name, function in functions.items():
        answers = context.SimpleQueue()
        process = context.Process(target=_run, args=(function, arguments, answers))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"{name} ended with {process.exitcode}")
        found[name] = answers.get()
    first = next(iter(functions))
    own, seconds, memory = found[first]
    for name, (value, _, _) in found.items():
        assert value == own, f"{name} found {value}, {first} {own}"
    return {
        name: {
            "seconds": round(peer_seconds, 2),
            "peak_mb": round(peer_memory),
            "ratio_seconds": round(peer_seconds / seconds, 2),
            "ratio_memory": round(peer_memory / memory, 2),
        }
        for name, (_, peer_seconds, peer_memory) in found.items()
    }
