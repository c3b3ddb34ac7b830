"""Say what a result was made of: versions, checksums, config."""

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from perturbkg import __version__
from perturbkg.io.files import read_json, sha256

#: The packages whose version can change a number.
PACKAGES = (
    "anndata",
    "dgl",
    "h5py",
    "numpy",
    "pandera",
    "polars",
    "rdkit",
    "scikit-learn",
    "scipy",
    "snakemake",
    "torch",
)


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that compute; null for one not installed here.

    A phase's conda environment holds only what the phase needs.
    """
    found: dict[str, str | None] = {"python": platform.python_version(), "perturbkg": __version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def checksums(files: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file under its name in the run (not its absolute path)."""
    return {file.as_posix(): sha256(file) for file in files}


def describe_run(
    *, config: Mapping[str, Any], files: Sequence[Path], receipts: Sequence[Path]
) -> dict[str, Any]:
    """Return what `run.json` holds beside the results of a dataset.

    `receipts` are those of downloads (perturbkg.sources): they hold the checksums, so that what is large is
    not read again.
    """
    return {
        "dataset": config["name"],
        "seed": config["seed"],
        "config": dict(config),
        "versions": versions(),
        "inputs": checksums(files),
        "downloads": [read_json(receipt) for receipt in receipts],
    }
