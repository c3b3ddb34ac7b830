"""What all tests share: names, how hypothesis searches, a tiny world on disk, and what extras are skipped."""

import os

# A worker has one core: threads of torch that wait for one another on a busy core take 25 times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Triton reads this when a library imports it for the first time: without a GPU its kernels are interpreted.
os.environ.setdefault("TRITON_INTERPRET", str(int(not os.path.exists("/dev/nvidiactl"))))  # noqa: PTH110

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from perturbkg.extras import MissingExtraError, explained, remedy
from perturbkg.simulation import files as simulation
from perturbkg.simulation.options import SimulationOptions

TINY = {
    "drugs": 24,
    "scaffolds": 8,
    "cells": 3,
    "genes": 1_100,
    "inferred_genes": 20,
    "pathways": 8,
    "planted_pathways": 4,
    "targets_per_pathway": 8,
    "processes": 12,
    "diseases": 12,
    "other_drugs": 16,
    "coverage": 1.0,
}
# A world in which both defective compounds keep a signature after the default filters.
SEED = 3
FILES = {**simulation.FILES, **simulation.WELLS, "truth": "truth.json", "truth_edges": "truth_edges.parquet"}

# The examples of a property are the same in each run, and a busy machine is not a defect.
# To search for new examples: `pytest --hypothesis-profile=explore`.
PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.register_profile("repeatable", PATIENT, derandomize=True, print_blob=True)
settings.register_profile("explore", PATIENT, max_examples=500, print_blob=True)
settings.load_profile("repeatable")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes after their argument, not after their content.

    Compressed bytes can hold the time at which they were made, and pytest-xdist needs each worker to
    collect the same names.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def tiny_options() -> SimulationOptions:
    """Return the options of `raw_world`."""
    return SimulationOptions.of(TINY)


@pytest.fixture(scope="session")
def raw_world(tiny_options: SimulationOptions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return file key -> path of the raw files of a tiny world; tests copy what they change."""
    # Imported here, for the tests of an installation without RDKit.
    from perturbkg.simulation.world import simulate  # noqa: PLC0415
    from perturbkg.simulation.writers import write_world  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("raw_world")
    paths = {key: folder / name for key, name in FILES.items()}
    write_world(simulate(tiny_options, np.random.default_rng(SEED)), paths)
    return paths


@contextmanager
def _skipped_without_extra() -> Iterator[None]:
    """Skip what needs a package of an extra that is not installed."""
    try:
        with explained():
            yield
    except MissingExtraError as error:
        pytest.skip(str(error), allow_module_level=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make test-python`; in `make test`, which has all extras, a missing one fails."""
    parser.addoption("--allow-missing-extras", action="store_true", help="skip tests that lack an extra")


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks that skip, if they are wanted."""
    if config.getoption("--allow-missing-extras"):
        config.pluginmanager.register(_MissingExtras())


class _Module(pytest.Module):
    def collect(self) -> Any:
        """Collect the tests of a file, which is skipped where its imports lack an extra."""
        try:
            with _skipped_without_extra():  # of what a file loads while it is collected
                return super().collect()
        except self.CollectError as error:
            if line := remedy(error.__cause__):
                pytest.skip(line, allow_module_level=True)
            raise


class _MissingExtras:
    """Hooks that skip test files, fixtures and tests that lack an extra."""

    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module:
        """Collect each test file as a `_Module`."""
        return _Module.from_parent(parent, path=module_path)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        """Skip a test whose fixtures lack an extra."""
        with _skipped_without_extra():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Skip a test that lacks an extra."""
        with _skipped_without_extra():
            return (yield)
