"""What all tests share: one tiny simulated world on disk."""

from pathlib import Path

import numpy as np
import pytest

from perturbkg.simulation import files as simulation
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import simulate
from perturbkg.simulation.writers import write_world

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


@pytest.fixture(scope="session")
def tiny_options() -> SimulationOptions:
    """Return the options of `raw_world`."""
    return SimulationOptions.of(TINY)


@pytest.fixture(scope="session")
def raw_world(tiny_options: SimulationOptions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return file key -> path of the raw files of a tiny world; tests copy what they change."""
    folder = tmp_path_factory.mktemp("raw_world")
    paths = {key: folder / name for key, name in FILES.items()}
    write_world(simulate(tiny_options, np.random.default_rng(SEED)), paths)
    return paths
