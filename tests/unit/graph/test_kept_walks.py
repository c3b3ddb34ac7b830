"""Walks cached on disk: the same bits, computed once, and never those of other inputs."""

import dataclasses
import errno
import os
import threading
from pathlib import Path
from typing import Any

import filelock._unix
import numpy as np
import pytest

from perturbkg.graph import kept_walks
from perturbkg.graph.arrays import Graph
from perturbkg.graph.diffusion import Walk
from perturbkg.graph.kept_walks import walk_of

OPTIONS: dict[str, Any] = {"restart": 0.3, "steps": 4, "factor": 1e3, "own_node": False}
SEEDS = np.arange(12)


def graph_of(seed: int) -> Graph:
    """Return 30 nodes, of which three of the first 12 have no edge."""
    rng = np.random.default_rng(seed)
    head, tail = np.arange(9).repeat(3), rng.integers(12, 30, 27)
    relation = rng.integers(0, 2, 27)
    return Graph.from_edges(
        head, tail, relation, node_type=np.zeros(30), types=["node"], relations=["strong", "weak"]
    )


def same(one: Walk, other: Walk) -> bool:
    fields = [field.name for field in dataclasses.fields(Walk)]
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in fields)


def folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_a_cached_walk_has_the_same_bits_and_is_not_recomputed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(1)
    computed = Walk.of(graph, SEEDS, **OPTIONS)
    assert same(walk_of(graph, SEEDS, folder=None, **OPTIONS), computed)
    assert same(walk_of(graph, SEEDS, folder=tmp_path / "walks", **OPTIONS), computed)
    monkeypatch.setattr(kept_walks.Walk, "of", None)
    kept = walk_of(graph, SEEDS, folder=tmp_path / "walks", **OPTIONS)
    assert same(kept, computed)
    assert not kept.centred.flags.writeable
    assert np.array_equal(kept.cosine(SEEDS), computed.cosine(SEEDS))


@pytest.mark.parametrize(
    "changed",
    [
        {"graph": graph_of(2)},
        {"graph": graph_of(1).with_edges(*graph_of(1).edges(), np.linspace(0.5, 1, 27))},
        {"seeds": SEEDS[::-1]},
        {"restart": 0.2},
        {"steps": 5},
        {"factor": 1e4},
        {"own_node": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_input_is_another_walk(tmp_path: Path, changed: dict[str, Any]) -> None:
    walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS)
    given = {"graph": graph_of(1), "seeds": SEEDS, **OPTIONS, **changed}
    found = walk_of(folder=tmp_path, **given)
    assert same(found, Walk.of(**given))
    assert len(folders(tmp_path)) == 2


def test_changed_code_does_not_read_walks_of_other_code_and_removes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = tmp_path / "walks"
    earlier = walk_of(graph_of(1), SEEDS, folder=walks, **OPTIONS)
    walk_of(graph_of(2), SEEDS, folder=walks, **OPTIONS)
    before = folders(walks)
    (walks / f".{before[0]}.partial").mkdir()
    edited = tmp_path / "edited.py"
    edited.write_text(Path(kept_walks.diffusion.__file__).read_text() + "\n# an edit\n")
    monkeypatch.setattr(kept_walks.diffusion, "__file__", str(edited))
    found = walk_of(graph_of(1), SEEDS, folder=walks, **OPTIONS)
    (name,) = folders(walks)
    assert name not in before
    assert same(found, earlier)  # a job that reads the earlier one still can
    walk_of(graph_of(2), SEEDS, folder=walks, **OPTIONS)
    assert len(folders(walks)) == 2  # walks of the same code are left


@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut", "overwritten"])
@pytest.mark.parametrize("name", kept_walks.ARRAYS)
def test_a_damaged_walk_is_computed_again_and_replaced(
    tmp_path: Path,
    name: str,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    computed = Walk.of(graph_of(1), SEEDS, **OPTIONS)
    walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS)
    (folder,) = folders(tmp_path)
    file = tmp_path / folder / f"{name}.npy"
    content = file.read_bytes()
    if damage == "deleted":
        file.unlink()
    else:
        file.write_bytes({"emptied": b"", "cut": content[:-1], "overwritten": bytes(len(content))}[damage])
    assert same(walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS), computed)
    assert caplog.text.count("cannot be read and is computed again") == 1
    monkeypatch.setattr(kept_walks.Walk, "of", None)
    assert same(walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS), computed)
    assert folders(tmp_path) == [folder]


def test_a_walk_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    rename = Path.rename

    def checked(self: Path, target: Path) -> Path:
        assert len(synced) == len(kept_walks.ARRAYS)
        return rename(self, target)

    monkeypatch.setattr(kept_walks.os, "fsync", synced.append)
    monkeypatch.setattr(kept_walks.Path, "rename", checked)
    walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS)
    assert len(folders(tmp_path)) == 1


@pytest.mark.parametrize("number", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_a_disk_without_locks_keeps_no_walk_and_says_so_once(
    tmp_path: Path, number: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_lock(*_: object) -> None:
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(filelock._unix.fcntl, "flock", no_lock)
    for seed in (1, 2):
        found = walk_of(graph_of(seed), SEEDS, folder=tmp_path, **OPTIONS)
        assert same(found, Walk.of(graph_of(seed), SEEDS, **OPTIONS))
    assert folders(tmp_path) == []
    assert caplog.text.count("no file can be locked") == 1


def test_leftovers_of_a_killed_job_are_replaced(tmp_path: Path) -> None:
    walk_of(graph_of(1), SEEDS, folder=tmp_path / "whole", **OPTIONS)
    (name,) = folders(tmp_path / "whole")
    partial = tmp_path / "cut" / f".{name}.partial"
    partial.mkdir(parents=True)
    (partial / "centred.npy").write_bytes(b"\x93NUMPY")
    (partial.parent / f".{name}.lock").touch()
    found = walk_of(graph_of(1), SEEDS, folder=partial.parent, **OPTIONS)
    assert same(found, Walk.of(graph_of(1), SEEDS, **OPTIONS))
    assert folders(partial.parent) == [name]


def test_a_full_disk_loses_the_cached_walk_but_not_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, array: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_walks.np, "save", full)
    found = walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS)
    assert same(found, Walk.of(graph_of(1), SEEDS, **OPTIONS))
    assert folders(tmp_path) == []
    assert "is not kept for other jobs: [Errno 28]" in caplog.text


def test_nothing_is_cached_for_a_graph_without_edges(tmp_path: Path) -> None:
    graph = graph_of(1)
    none = np.zeros(0, np.int64)
    walk_of(graph.with_edges(none, none, none), SEEDS, folder=tmp_path / "walks", **OPTIONS)
    assert not (tmp_path / "walks").exists()


def test_jobs_that_need_the_same_walk_wait_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, calls, begun, go = Walk.of, [], threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> Walk:
        calls.append(threading.get_ident())
        begun.set()
        assert go.wait(60)
        return compute(*arguments, **options)

    monkeypatch.setattr(kept_walks.Walk, "of", slow)
    found: list[Walk] = []

    def job() -> None:
        found.append(walk_of(graph_of(1), SEEDS, folder=tmp_path, **OPTIONS))

    jobs = [threading.Thread(target=job) for _ in range(3)]
    for each in jobs:
        each.start()
    assert begun.wait(60)
    go.set()
    for each in jobs:
        each.join(60)
    assert len(calls) == 1
    assert len(found) == 3
    assert all(same(walk, found[0]) for walk in found)
