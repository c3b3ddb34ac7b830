"""What a run records, and what makes it reproducible."""

from types import SimpleNamespace

import numpy as np
import torch
from threadpoolctl import threadpool_info

from perturbkg.training import record
from perturbkg.training.record import Clock, ablation_generator, numeric_threads, peak_memory_mb


def test_clock_times_each_step_by_name(monkeypatch):
    now = iter([100.0, 102.5, 200.0, 200.0004])
    monkeypatch.setattr(record, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    clock = Clock()
    with clock.step("fit"):
        pass
    with clock.step("predict"):
        pass
    assert clock.seconds == {"fit": 2.5, "predict": 0.0}


def test_peak_memory_grows_with_allocated_memory():
    before = peak_memory_mb()
    held = np.ones(40_000_000, np.uint8)
    assert before >= 10
    assert peak_memory_mb() >= before
    assert held.all()


def test_threads_of_blas_and_torch_are_set():
    used = torch.get_num_threads()
    try:
        with numeric_threads(1):
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    finally:
        torch.set_num_threads(used)


def test_each_ablation_has_a_separate_generator():
    def draw(seed: int, name: str) -> float:
        return ablation_generator(seed, name).random()

    assert draw(1, "shuffle_edges") == draw(1, "shuffle_edges")
    assert len({draw(1, "shuffle_edges"), draw(2, "shuffle_edges"), draw(1, "random_features")}) == 3
    # The same on every machine and in every process: no hash() of a string.
    assert ablation_generator(1, "none").integers(1_000_000) == 414288
