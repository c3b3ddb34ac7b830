"""Say what a result was made of: versions, checksums, config."""

import hashlib
import logging
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from perturbkg import __version__
from perturbkg.io.files import read_json, sha256, write_text

_LOG = logging.getLogger(__name__)

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


def checksums(files: Sequence[Path], *, kept: Path | None = None) -> dict[str, str]:
    """Return the SHA-256 of each file under its name in the run (not its absolute path).

    Jobs that have the folder `kept` in common read each file once: they keep its digest there.
    """
    return {file.as_posix(): sha256(file) if kept is None else _kept_digest(file, kept) for file in files}


def _kept_digest(file: Path, folder: Path) -> str:
    """Return the SHA-256 of a file, computed again if its place, size or time of change is another."""
    stat = file.stat()
    known_by = (file.resolve(), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    kept = folder / hashlib.sha256(repr(known_by).encode()).hexdigest()
    try:
        digest = kept.read_text(encoding="ascii", errors="replace")
    except OSError:  # none is kept yet, or another user's cannot be read
        digest = ""
    if not re.fullmatch("[0-9a-f]{64}", digest):
        digest = sha256(file)
        try:
            # Jobs that write it at once share the temporary file: the one that is too late finds it renamed.
            write_text(digest, kept)
        except OSError as error:
            _LOG.info("%s: the checksum of %s is not kept for other jobs: %s", folder, file, error)
    return digest


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
