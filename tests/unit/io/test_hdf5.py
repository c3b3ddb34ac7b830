import bz2
import errno
import fcntl
import gzip
import lzma
import os

import h5py
import numpy as np
import polars as pl
import pytest

from perturbkg.errors import InputError
from perturbkg.io.hdf5 import is_hdf5, opened, require_stored
from perturbkg.io.matrices import read_matrix, write_matrix


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    return path


def refused(path, read=lambda file: None):
    with pytest.raises(InputError) as caught, opened(path) as file:
        read(file)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_lock_is_not_reported_as_damage(path):
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        message = refused(path)
        assert is_hdf5(path)
    assert message.startswith("locked by another program") and "HDF5_USE_FILE_LOCKING=FALSE" in message
    assert "damaged" not in message and "fetch" not in message
    with opened(path) as file:
        assert file["x"][2] == 2


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.ENOLCK, "No locks available"), "locked by another program"),
        (OSError(errno.EDEADLK, "Resource deadlock avoided"), "locked by another program"),
        (OSError(f"Unable to open file (unable to lock file, errno = {errno.EACCES})"), "locked by another"),
        (OSError(f"Unable to open file (errno = {errno.EIO}, error message = 'x')"), "Input/output error"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be read (Permission denied)"),
        (OSError(errno.ESTALE, "Stale file handle"), "cannot be read (Stale file handle)"),
        (OSError("unable to open file (file is already open for write)"), "h5clear --status"),
        (OSError("file signature not found"), "truncated, damaged or no HDF5 file"),
        (RuntimeError("Object header not found"), "truncated, damaged or no HDF5 file"),
    ],
    ids=["37", "35", "lock in words", "5 in words", "13", "116", "marked", "damage", "no OSError"],
)
def test_each_error_has_its_remedy(path, monkeypatch, error, part):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(h5py, "File", fail)
    assert part in refused(path)


def test_a_file_that_is_absent_or_a_folder(tmp_path):
    assert refused(tmp_path / "absent.h5").startswith("cannot be read (No such file or directory)")
    assert refused(tmp_path).startswith("cannot be read (Is a directory)")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_a_compressed_file_is_an_error_with_the_remedy(path, pack, request):
    path.write_bytes(pack(path.read_bytes()))
    assert refused(path).startswith(f"compressed by {request.node.callspec.id}: unpack it first")


def test_hdf5_is_recognised_by_content_or_by_name(path, tmp_path):
    (tmp_path / "table").write_bytes(path.read_bytes())
    with h5py.File(tmp_path / "block", "w", userblock_size=512) as file:
        file["x"] = 1
    (tmp_path / "x.h5ad.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "x.csv").write_text("a,b\n")
    assert all(is_hdf5(tmp_path / name) for name in ("table", "block", "x.h5ad.gz"))
    assert not is_hdf5(tmp_path / "x.csv")
    with pytest.raises(InputError, match="absent: cannot be read"):
        is_hdf5(tmp_path / "absent")


def test_values_of_another_file_are_refused(path, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.ones(3)
    with h5py.File(path, "a") as file:
        file.create_dataset("external", (4,), "u1", external=[(os.fspath(other), 0, 4)])
        file["link"] = h5py.ExternalLink(other, "x")
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource(other, "x", (3,))
        file.create_virtual_dataset("virtual", layout)
        file["soft"] = h5py.SoftLink("/x")
    for name in ("external", "link", "virtual"):
        assert "its values are in another file" in refused(
            path, lambda file, name=name: require_stored(file[name], path)
        )
    with opened(path) as file:
        assert require_stored(file["soft"], path)[1] == 1


@pytest.mark.parametrize("form", ["./x.h5", ".//x.h5", "{folder}//x.h5", "{folder}/./x.h5"])
def test_a_path_given_as_text_need_not_be_in_normal_form(path, monkeypatch, form):
    monkeypatch.chdir(path.parent)
    given = form.format(folder=path.parent)
    with opened(given) as file:
        assert require_stored(file["x"], given)[2] == 2
    obs, var = pl.DataFrame({"signature": ["a", "b"]}), pl.DataFrame({"gene": ["g", "h"]})
    write_matrix(np.eye(2), obs, var, path.with_name("x.h5ad"))
    np.testing.assert_array_equal(read_matrix(given + "ad")[0], np.eye(2))


def test_values_that_were_never_written_are_refused(path):
    with h5py.File(path, "a") as file:
        file.create_dataset("never", (10, 4), "f4")
        half = file.create_dataset("half", (10, 4), "f4", chunks=(3, 4), compression="gzip")
        half[:6] = 1
        whole = file.create_dataset("whole", (10, 4), "f4", chunks=(3, 4), compression="gzip")
        whole[:] = 0
        file.create_dataset("empty", (0, 4), "f4", chunks=(3, 4), maxshape=(None, 4))
    assert "/never: only 0 of 1 blocks" in refused(path, lambda file: require_stored(file["never"], path))
    assert "/half: only 2 of 4 blocks" in refused(path, lambda file: require_stored(file["half"], path))
    with opened(path) as file:
        for name in ("whole", "empty"):
            assert not require_stored(file[name], path)[:].any()


def test_a_type_that_cannot_be_read_is_refused(path, monkeypatch):
    def fail(_):
        raise TypeError("Unknown string encoding (value 2)")

    monkeypatch.setattr(h5py.Dataset, "dtype", property(fail))
    assert "/x: of a type that cannot be read" in refused(path, lambda file: require_stored(file["x"], path))
