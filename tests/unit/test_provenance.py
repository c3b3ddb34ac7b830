"""Checksums: of the present content of a file, computed once for jobs that share a folder."""

import hashlib
import os
from pathlib import Path

import pytest

from perturbkg import provenance
from perturbkg.provenance import checksums


def test_a_file_is_read_once_by_jobs_that_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, kept = tmp_path / "a.bin", tmp_path / "kept"
    file.write_bytes(b"content")
    expected = {file.as_posix(): hashlib.sha256(b"content").hexdigest()}
    assert checksums([file]) == expected
    assert not kept.exists()
    assert checksums([file], kept=kept) == expected
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr(provenance, "sha256", None)
    assert checksums([file], kept=kept) == expected


def test_a_changed_file_is_read_again_even_with_equal_size_and_time(tmp_path: Path) -> None:
    file, kept = tmp_path / "a.bin", tmp_path / "kept"
    file.write_bytes(b"one")
    before = file.stat()
    checksums([file], kept=kept)
    other = tmp_path / "b.bin"
    other.write_bytes(b"two")
    other.replace(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checksums([file], kept=kept) == {file.as_posix(): hashlib.sha256(b"two").hexdigest()}
