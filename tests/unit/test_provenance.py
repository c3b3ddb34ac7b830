"""Checksums: of the present content of a file, computed once for jobs that share a folder."""

import hashlib
import os
from pathlib import Path

import pytest

from perturbkg import provenance
from perturbkg.provenance import checksums

CONTENT = hashlib.sha256(b"content").hexdigest()


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


@pytest.mark.parametrize("kept", [b"", CONTENT[:-1].encode(), b"\xff" * 64])
def test_a_damaged_digest_is_computed_again_and_replaced(tmp_path: Path, kept: bytes) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"content")
    checksums([file], kept=tmp_path / "kept")
    (there,) = (tmp_path / "kept").iterdir()
    there.write_bytes(kept)
    assert checksums([file], kept=tmp_path / "kept") == {file.as_posix(): CONTENT}
    assert there.read_text() == CONTENT


def test_other_users_may_read_a_kept_digest(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"content")
    before = os.umask(0o022)
    try:
        checksums([file], kept=tmp_path / "kept")
    finally:
        os.umask(before)
    (there,) = (tmp_path / "kept").iterdir()
    assert there.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("method", ["read_text", "write_text", "replace", "mkdir"])
def test_a_folder_that_another_user_owns_does_not_stop_a_job(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "a.bin"
    file.write_bytes(b"content")
    monkeypatch.setattr(Path, method, refused)
    assert checksums([file], kept=tmp_path / "kept") == {file.as_posix(): CONTENT}
