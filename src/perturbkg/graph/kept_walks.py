"""Keep walks on disk for the jobs that ask for the same one: it takes a minute and a half at PrimeKG's size.

A walk is known by all that its bits depend on: the edges, the drugs' nodes, the options, this package's code,
the packages and the linear algebra that compute, and their threads. So a walk of an ablated graph is another
one, one of other code is never read, and every file may be deleted at any time: it only has to be computed
again. It is not an output of a rule because what an ablation changes is known inside a training job only, and
because several models, folds and ablations of features share one walk.
"""

import dataclasses
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from threadpoolctl import threadpool_info

from perturbkg import imports
from perturbkg.graph import diffusion
from perturbkg.graph.arrays import Graph
from perturbkg.graph.diffusion import Walk

ARRAYS = [field.name for field in dataclasses.fields(Walk)]
_LOG = logging.getLogger(__name__)


def walk_of(graph: Graph, seeds: np.ndarray, *, folder: Path | None, **options: Any) -> Walk:
    """Return `Walk.of(graph, seeds, **options)`, from `folder` where another job has left it there.

    Without a folder nothing is kept. Jobs that want the same walk wait for the first of them. Arrays are
    memory-mapped, so that jobs on one machine share them.
    """
    if folder is None or not len(graph.src):
        return Walk.of(graph, seeds, **options)
    kept = folder / _key(graph, seeds, options)
    if not kept.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / f".{kept.name}.lock"):
                if not kept.is_dir():
                    walk = Walk.of(graph, seeds, **options)
                    if not _keep(walk, kept):
                        return walk
        except NotImplementedError as error:  # of a file system without locks
            _LOG.warning("%s: the walk is not kept for other jobs: %s", folder, error)
            return Walk.of(graph, seeds, **options)
    return _read(kept)


def _key(graph: Graph, seeds: np.ndarray, options: dict[str, Any]) -> str:
    """Return the digest of all that a walk depends on."""
    digest = hashlib.sha256()
    for array in (graph.src, graph.dst, graph.relation, seeds):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    blas = [
        {name: library[name] for name in ("internal_api", "version", "architecture", "num_threads")}
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    made_by = {
        "nodes": graph.nodes,
        "relations": len(graph.relations),
        "options": options,
        "code": imports.digest(Path(diffusion.__file__), Path(__file__)),
        "packages": {name: metadata.version(name) for name in ("numba", "numpy", "scipy")},
        "blas": sorted(blas, key=json.dumps),
    }
    digest.update(json.dumps(made_by, sort_keys=True).encode())
    return digest.hexdigest()[:32]


def _keep(walk: Walk, kept: Path) -> bool:
    """Write a walk whole or not at all; return False, and log why, where the disk has no room for it."""
    arrays = {name: getattr(walk, name) for name in ARRAYS}
    with _written_whole(kept) as temporary:
        try:
            for name, array in arrays.items():
                np.save(temporary / f"{name}.npy", array)
        except OSError as error:
            _LOG.warning("%s: the walk is not kept for other jobs: %s", kept, error)
            return False
        temporary.rename(kept)
    return True


@contextmanager
def _written_whole(kept: Path) -> Iterator[Path]:
    """Yield an empty folder beside `kept`, and remove it unless it was renamed; the lock is held."""
    temporary = kept.with_name(f".{kept.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)  # of a job that was killed
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read(kept: Path) -> Walk:
    """Map the arrays of a walk into memory."""
    return Walk(**{name: np.asarray(np.load(kept / f"{name}.npy", mmap_mode="r")) for name in ARRAYS})
