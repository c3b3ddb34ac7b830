"""Free memory under any limit, and refused sizes."""

from pathlib import Path

import pytest
import torch

from perturbkg.errors import InputError
from perturbkg.io import memory

GB = 10**9


def group(folder: Path, names: tuple[str, str], most: str, taken: int, stat: str) -> None:
    """Write the files of a control group."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip((*names, "memory.stat"), (most, str(taken), stat), strict=True):
        (folder / name).write_text(f"{value}\n", encoding="utf-8")


V1, V2 = ("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")


def test_the_tightest_limit_of_the_groups_above_a_process_counts(tmp_path):
    (tmp_path / "own").write_text("1:cpu:/other\n0::/job/step\n", encoding="utf-8")
    group(tmp_path / "job/step", V2, "max", 5, "inactive_file 0")
    group(tmp_path / "job", V2, str(8 * GB), 3 * GB, f"anon 7\ninactive_file {GB}")
    assert memory._left_of_groups(tmp_path / "own", tmp_path) == [6 * GB]


def test_groups_of_version_1_include_their_subgroups(tmp_path):
    (tmp_path / "own").write_text("4:memory:/job\n", encoding="utf-8")
    group(tmp_path / "memory/job", V1, str(4 * GB), 5 * GB, f"inactive_file 0\ntotal_inactive_file {GB // 2}")
    group(tmp_path / "memory", V1, str(9 * GB), 5 * GB, "inactive_file 0")
    assert memory._left_of_groups(tmp_path / "own", tmp_path) == [0, 4 * GB]


def test_in_a_container_the_root_is_the_group(tmp_path):
    (tmp_path / "own").write_text("0::/outside/of/here\n", encoding="utf-8")
    group(tmp_path, V2, str(2 * GB), GB, "inactive_file 0")
    assert memory._left_of_groups(tmp_path / "own", tmp_path) == [GB]


def test_without_control_groups_the_machine_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_OWN", tmp_path / "none")
    assert 10**6 < memory.available_bytes(torch.device("cpu")) < 10**15


def test_too_large_a_size_is_refused_with_both_sizes_and_the_remedy():
    memory.refuse_unless(8.9 * GB, 10 * GB, what="the walk", remedy="take fewer drugs")
    with pytest.raises(InputError, match=r"the walk needs about 9\.1 GB, and 10\.0 GB are free; take fewer"):
        memory.refuse_unless(9.1 * GB, 10 * GB, what="the walk", remedy="take fewer drugs")
