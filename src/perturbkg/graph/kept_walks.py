"""Keep walks on disk for the jobs that ask for the same one: it takes a minute and a half at PrimeKG's size.

A walk is known by all that its bits depend on: the edges, the drugs' nodes, the options, this package's code,
the packages and the linear algebra that compute, and their threads. So a walk of an ablated graph is another
one, one of other code is never read, and every file may be deleted at any time: it only has to be computed
again. So is a walk that cannot be read. Where files cannot be locked or written, walks are not kept.

Writing a walk removes those of other code. A job that has mapped one of them goes on reading it, because
POSIX keeps open files; over NFS, only if it runs on the same machine.

It is not an output of a rule because what an ablation changes is known inside a training job only, and
because several models, folds and ablations of features share one walk.
"""

import dataclasses
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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
_CODE = 16  # digits of the code's digest in the name of a walk
_LOG = logging.getLogger(__name__)


def walk_of(graph: Graph, seeds: np.ndarray, *, folder: Path | None, **options: Any) -> Walk:
    """Return `Walk.of(graph, seeds, **options)`, from `folder` where another job has left it there.

    Without a folder nothing is kept. Jobs that want the same walk wait for the first of them. Arrays are
    memory-mapped, so that jobs on one machine share them.
    """
    if folder is None or not len(graph.src):
        return Walk.of(graph, seeds, **options)
    kept = folder / _name(graph, seeds, options)
    walk = _read(kept)
    if walk is None:
        with _locked(folder / f".{kept.name}.lock") as locked:
            if locked:  # by now another job may have written it
                walk = _read(kept)
            if walk is None:
                walk = Walk.of(graph, seeds, **options)
                if locked:
                    walk = _keep(walk, kept)
    return walk


@contextmanager
def _locked(lock: Path) -> Iterator[bool]:
    """Hold a lock and yield True; warn and yield False where that fails, as on some network disks.

    The substitute that FileLock has for missing locks, a file that marks a lock, would outlive a killed job.
    """
    held = FileLock(lock, fallback_to_soft=False)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except OSError as error:
        _warn_once(
            f"{lock.parent}: walks are not kept for other jobs, because no file can be locked: {error}"
        )
        yield False
        return
    try:
        yield True
    finally:
        held.release()


@cache
def _warn_once(message: str) -> None:
    """Log a warning, once in a process: a job needs several walks."""
    _LOG.warning(message)


def _name(graph: Graph, seeds: np.ndarray, options: dict[str, Any]) -> str:
    """Return the name of a walk: the digest of its code, and that of all else that it depends on."""
    digest = hashlib.sha256()
    weights = [] if graph.weight is None else [graph.weight]
    for array in (graph.src, graph.dst, graph.relation, seeds, *weights):
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
        "packages": {name: metadata.version(name) for name in ("numba", "numpy", "scipy")},
        "blas": sorted(blas, key=json.dumps),
    }
    digest.update(json.dumps(made_by, sort_keys=True).encode())
    code = imports.digest(Path(diffusion.__file__), Path(__file__))
    return f"{code[:_CODE]}-{digest.hexdigest()[:32]}"


def _keep(walk: Walk, kept: Path) -> Walk:
    """Write a walk atomically and return it, memory-mapped if that succeeded; the caller holds the lock.

    If writing fails, as on a full disk, log why the walk is not kept and return it as it is.
    """
    temporary = kept.with_name(f".{kept.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)  # of a job that was killed
    try:
        temporary.mkdir()
        for name in ARRAYS:
            with (temporary / f"{name}.npy").open("wb") as file:
                np.save(file, getattr(walk, name))
                file.flush()
                os.fsync(file.fileno())  # a crash of the machine must not leave a named but empty file
        if kept.exists():  # it cannot be read
            shutil.rmtree(kept)
        temporary.rename(kept)
        _remove_others(kept)
    except OSError as error:
        _warn_once(f"{kept}: the walk is not kept for other jobs: {error}")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    mapped = _read(kept)
    return walk if mapped is None else mapped


def _remove_others(kept: Path) -> None:
    """Remove the walks of other code than that of `kept`, whole or partial: each edit would add one."""
    for other in kept.parent.iterdir():
        if other.is_dir() and not other.name.removeprefix(".").startswith(kept.name[: _CODE + 1]):
            shutil.rmtree(other, ignore_errors=True)


def _read(kept: Path) -> Walk | None:
    """Map the arrays of a walk into memory; None if it is not there or, with a warning, if it is damaged."""
    try:
        if not kept.is_dir():
            return None
        return Walk(**{name: np.asarray(np.load(kept / f"{name}.npy", mmap_mode="r")) for name in ARRAYS})
    except (OSError, EOFError, ValueError) as error:
        _warn_once(f"{kept}: the walk cannot be read and is computed again: {error}")
        return None
