"""Write the raw files of a simulated world, and the truth planted in it."""

from pathlib import Path
from typing import Any

import numpy as np

from perturbkg.io.scripting import reporting
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import simulate
from perturbkg.simulation.writers import write_world


def main(*, options: dict[str, Any], seed: int, **outputs: str | Path) -> None:
    """Simulate with a generator of this seed; `outputs` are the raw files by their keys in the config."""
    world = simulate(SimulationOptions.of(options), np.random.default_rng(seed))
    write_world(world, {key: Path(path) for key, path in outputs.items()})


if "snakemake" in globals():
    with reporting(snakemake.log[0], "simulate_world"):
        main(options=snakemake.params.options, seed=snakemake.params.seed, **dict(snakemake.output.items()))
