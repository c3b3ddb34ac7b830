import logging

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from perturbkg.errors import InputError
from perturbkg.io.matrices import read_labels, read_matrix, read_rows

X = np.array([[0, 1], [2, 0], [0, 0], [3, 4]], np.float32)
OBS = pd.DataFrame({"cell": ["A", "B", "A", "B"]}, index=["s1", "s2", "s3", "s4"])
VAR = pd.DataFrame(index=["780", "1956"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5ad"


def write(path, x=X, **more):
    anndata.AnnData(X=x, obs=OBS, var=VAR, **more).write_h5ad(path)


def refused(path):
    with pytest.raises(InputError) as caught:
        read_matrix(path)
    assert str(caught.value).startswith(f"{path}") and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.csc_array, np.asarray])
def test_sparse_and_dense_read_the_same(path, form):
    write(path, form(X))
    matrix, obs, var = read_matrix(path)
    np.testing.assert_array_equal(matrix, X)
    assert obs.rows() == [("s1", "A"), ("s2", "B"), ("s3", "A"), ("s4", "B")]
    assert var["index"].to_list() == ["780", "1956"]
    np.testing.assert_array_equal(read_rows(path, np.array([3, 0, 3])), X[[3, 0, 3]])


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix])
@pytest.mark.parametrize(("part", "value"), [("indices", 99), ("indptr", 77), ("indices", -1)])
def test_a_damaged_sparse_matrix_is_refused(path, form, part, value):
    write(path, form(X))
    with h5py.File(path, "a") as file:
        file[f"X/{part}"][1] = value
    assert "damaged sparse matrix" in refused(path)


def test_a_sparse_matrix_without_a_part_is_refused(path):
    write(path, sp.csr_matrix(X))
    with h5py.File(path, "a") as file:
        del file["X/indptr"]
    assert "/X lacks 'indptr' of a sparse matrix" in refused(path)


def test_values_outside_x_are_named(path):
    write(path, None)
    assert "X is empty, and so are layers and raw; set X to the deltas" in refused(path)
    write(path, None, layers={"delta": X, "counts": X})
    message = refused(path)
    assert "adata.X = adata.layers[" in message and "'delta'" in message and "'counts'" in message
    write(path, X)
    with h5py.File(path, "a") as file:
        file.move("X", "raw/X")
    assert "adata.X = adata.raw.to_adata().X" in refused(path)
    with h5py.File(path, "a") as file:  # as anndata may write None
        file["X"] = h5py.Empty("f4")
    assert "X is empty" in refused(path)


def test_tables_of_records_from_before_anndata_0_7_are_read(path):
    kinds = [("index", "S4"), ("cell", "i1"), ("note", h5py.string_dtype()), ("tas", "f4")]
    with h5py.File(path, "w") as file:
        file["obs"] = np.array([(b"s1", 1, "caf\xe9", 0.5), (b"s2", -1, "", np.nan)], dtype=kinds)
        file["var"] = np.array([(b"780", b"DDR1")], dtype=[("index", "S8"), ("symbol", "S8")])
        file["uns/cell_categories"] = np.array([b"A", b"B"])
        group = file.create_group("X")
        matrix = sp.csr_matrix(np.array([[2.0], [0.0]]))
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)
        group.attrs.update({"h5sparse_format": "csr", "h5sparse_shape": np.array([2, 1])})
    matrix, obs, var = read_matrix(path)
    assert obs.columns == ["index", "cell", "note", "tas"]
    assert obs.rows() == [("s1", "B", "caf\xe9", 0.5), ("s2", None, "", None)]
    assert var.rows() == [("780", "DDR1")]
    assert matrix.tolist() == [[2.0], [0.0]]


def test_categories_next_to_their_column_from_anndata_0_7_are_read(path):
    write(path)
    with h5py.File(path, "a") as file:
        obs = file["obs"]
        obs.attrs["encoding-version"] = "0.1.0"
        del obs["cell"]
        obs["__categories/cell"] = np.array(["A", "B"], dtype=h5py.string_dtype())
        obs["cell"] = np.array([0, 1, 0, -1], "i1")
        obs["cell"].attrs["categories"] = obs["__categories/cell"].ref
    assert read_labels(path)[0]["cell"].to_list() == ["A", "B", "A", None]


def add_later_column(path, name):
    with h5py.File(path, "a") as file:
        if name in file["obs"]:
            del file["obs"][name]
        file["obs"][name] = np.arange(4)
        file["obs"][name].attrs.update({"encoding-type": "of-later-years", "encoding-version": "9.0"})
        order = [*file["obs"].attrs["column-order"], name]
        file["obs"].attrs["column-order"] = np.array(sorted(set(order)), dtype=object)


def test_a_column_of_a_later_encoding_is_skipped_unless_needed(path, caplog):
    write(path)
    add_later_column(path, "when")
    with caplog.at_level(logging.WARNING):
        obs, _ = read_labels(path, ["cell"])
    assert obs.columns == ["index", "cell"]
    assert "/obs/when: cannot be read" in caplog.text and "of-later-years" in caplog.text
    add_later_column(path, "cell")
    with pytest.raises(InputError, match=r"/obs/cell: cannot be read .*of-later-years"):
        read_labels(path, ["cell"])


def test_an_incomplete_column_or_index_is_named(path):
    write(path)
    with h5py.File(path, "a") as file:
        del file["obs/cell"]
        file["obs/cell"] = np.arange(3)
    assert "obs/cell has 3 rows, the index 4" in refused(path)
    write(path)
    with h5py.File(path, "a") as file:
        del file["var/_index"]
        file["var"].attrs["_index"] = np.arange(2)
    assert "var does not name its index" in refused(path)
    with h5py.File(path, "a") as file:
        file["var"].attrs["_index"] = "_index"
        file["var/_index"] = np.dtype("f4")  # a type instead of values
    assert "/var/_index is missing in the file" in refused(path)
    with h5py.File(path, "a") as file:
        del file["var"]
        file["var"] = np.arange(2)
    assert "var is not a table of AnnData" in refused(path)
    write(path)
    with h5py.File(path, "a") as file:
        del file["obs/cell"]
        file.create_dataset("obs/cell", (4,), "i4", external=[("/etc/hostname", 0, 16)])
    assert "its values are in another file" in refused(path)
