import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import OBS as OBS_COLUMNS
from perturbkg.io.matrices import read_labels, read_matrix, read_rows, write_blocks, write_matrix

with warnings.catch_warnings(action="ignore"):
    # cmapPy 4.0.1 has docstrings with invalid escape sequences.
    from cmapPy.pandasGEXpress.parse import parse

OBS = pl.DataFrame(
    {
        "signature": ["s1", "s2", "s3"],
        "drug": ["a", "b", "a"],
        "tas": [0.5, None, 0.1],
        "replicates": [3, None, 1],
    }
)
VAR = pl.DataFrame({"entrez": ["10", "9"], "symbol": ["X", "Y"]})
X = np.arange(6, dtype=np.float32).reshape(3, 2)


def layout(path):
    """Describe every group and data set of a file."""
    found = {}

    def visit(name, item):
        attributes = {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in item.attrs.items()
        }
        data = None
        if isinstance(item, h5py.Dataset):
            values = item.asstr()[:] if item.dtype == object else np.nan_to_num(item[:], nan=-1)
            data = (item.shape, item.dtype, item.chunks, item.compression, values.tolist())
        found[name] = attributes, data

    with h5py.File(path) as file:
        found["/"] = dict(file.attrs), None
        file.visititems(visit)
    return found


def test_blocks_are_written_like_anndata_writes_a_matrix(tmp_path):
    obs = pd.DataFrame(
        {"drug": ["a", "b", "a"], "tas": [0.5, np.nan, 0.1], "replicates": [3.0, np.nan, 1.0]},
        index=pd.Index(["s1", "s2", "s3"], name="signature"),
    )
    var = pd.DataFrame({"symbol": ["X", "Y"]}, index=pd.Index(["10", "9"], name="entrez"))
    anndata.AnnData(X=X, obs=obs, var=var).write_h5ad(tmp_path / "peer.h5ad")
    write_blocks(iter([X[:2], X[2:2], X[2:]]), OBS, VAR, tmp_path / "blocks.h5ad")
    write_matrix(X, OBS, VAR, tmp_path / "whole.h5ad")
    assert layout(tmp_path / "blocks.h5ad") == layout(tmp_path / "peer.h5ad")
    assert (tmp_path / "blocks.h5ad").read_bytes() == (tmp_path / "whole.h5ad").read_bytes()


def test_blocks_are_read_back_with_their_labels(tmp_path):
    write_blocks([X], OBS, VAR, tmp_path / "x.h5ad")
    matrix, obs, var = read_matrix(tmp_path / "x.h5ad")
    np.testing.assert_array_equal(matrix, X)
    assert obs["signature"].to_list() == ["s1", "s2", "s3"]
    assert obs["tas"].to_list() == [0.5, None, 0.1]
    assert var.columns == ["entrez", "symbol"]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([X[:2]], "2 rows of 3 were given"),
        ([X, X[:1]], r"a block of \(1, 2\) at row 3 of \(3, 2\)"),
        ([X[:, :1]], r"a block of \(3, 1\) at row 0"),
    ],
)
def test_blocks_that_do_not_fit_their_labels_leave_no_file(tmp_path, blocks, message):
    with pytest.raises(ValueError, match=message):
        write_blocks(blocks, OBS, VAR, tmp_path / "x.h5ad")
    assert list(tmp_path.iterdir()) == []


def test_columns_with_gaps_keep_their_values(tmp_path):
    obs = pd.DataFrame(
        {
            "signature": ["s1", "s2", "s3"],  # AnnData allows a column that repeats the index
            "nullable": pd.array([True, None, False], dtype="boolean"),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "kind": pd.Categorical([True, None, False]),
            "name": pd.Categorical(["x", None, "y"]),
            "nothing": pd.Categorical([None, None, None], categories=["x"]),
        },
        index=pd.Index(["s1", "s2", "s3"], name="signature"),
    )
    anndata.AnnData(X=X, obs=obs).write_h5ad(tmp_path / "x.h5ad")
    found, _ = read_labels(tmp_path / "x.h5ad")
    assert found.rows() == [
        ("s1", True, 1, True, "x", None),
        ("s2", None, None, None, None, None),
        ("s3", False, 3, False, "y", None),
    ]
    assert found.schema["nothing"] == pl.String


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda file: file.__delitem__("obs/drug"),
            "/obs/drug is missing in the file, but listed as a column",
        ),
        (lambda file: file.__delitem__("var"), "not an AnnData file: obs or var is missing"),
        (
            lambda file: (file.__delitem__("X"), file.create_dataset("X", data=np.zeros((5, 2)))),
            "X is 5 x 2, obs has 3 rows and var 2",
        ),
        (
            lambda file: (file.__delitem__("X"), file.create_dataset("X", data=np.full((3, 2), b"a"))),
            r"X holds \|S1, not numbers",
        ),
    ],
)
def test_an_incomplete_file_is_one_line(tmp_path, damage, message):
    path = tmp_path / "x.h5ad"
    write_matrix(X, OBS, VAR, path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(InputError, match=message) as caught:
        read_matrix(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_plain_tables_are_matrices_of_rows_and_genes(tmp_path):
    table = pl.DataFrame(
        {
            "id": ["s1", "s2"],
            "cell": ["A", "B"],
            "780": ["0.5", "NaN"],
            "tas": ["1", ""],
            "1956": ["-1", "2e1"],
        }
    )
    table.write_csv(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text((tmp_path / "x.csv").read_text().replace("\n", "\n\n"))  # blank lines
    table.write_csv(tmp_path / "x.tsv", separator="\t")
    table.with_columns(pl.col("780", "1956").cast(pl.Float64)).write_parquet(tmp_path / "x.parquet")
    for name in ("x.csv", "y.csv", "x.tsv", "x.parquet"):
        matrix, obs, var = read_matrix(tmp_path / name)
        assert obs.rows() == [("s1", "A", "1"), ("s2", "B", None)]
        assert var.rows() == [("780",), ("1956",)]
        np.testing.assert_array_equal(matrix, np.array([[0.5, -1], [np.nan, 20]], np.float32))
        np.testing.assert_array_equal(read_rows(tmp_path / name, np.array([1, 0, 1]))[:, 1], [20, -1, 20])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,780\ns1,high\n", r"row 2: 780 is 'high', not a number"),
        ("id,cell\ns1,A\n", r"row 1: no column of a gene beside id, cell"),
        ("id,780\n", r"a header and no rows"),
        ("#1.3\n2\t3\t0\t1\nid\ts1\n", r"a GCT text file; convert it with cmapPy: gct2gctx -f"),
        ("id,780,780\ns1,1,2\n", r"column '780' twice"),
    ],
)
def test_a_plain_table_that_is_not_a_matrix_is_one_line(tmp_path, text, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_matrix(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:errors='ignore' is deprecated:FutureWarning")  # of cmapPy 4.0.1
def test_gctx_is_read_like_cmappy(tmp_path):
    path = tmp_path / "x.gctx"
    with h5py.File(path, "w") as file:
        file.attrs["version"] = "GCTX1.0"
        file["0/DATA/0/matrix"] = X
        file["0/META/COL/id"] = np.array([b"s1 ", b"s2 ", b"s3 "])
        file["0/META/COL/cell"] = np.array([b"A", b"-666", b"B"])
        file["0/META/COL/tas"] = np.array([0.5, np.nan, 0.1])
        file["0/META/ROW/id"] = np.array([780, 1956])
        file["0/META/ROW/symbol"] = np.array(["DDR1", "EGFR"], dtype=h5py.string_dtype())
    matrix, obs, var = read_matrix(path)
    peer = parse(str(path)).data_df
    np.testing.assert_array_equal(matrix, peer.to_numpy().T)
    assert obs["id"].to_list() == [str(name).strip() for name in peer.columns] == ["s1", "s2", "s3"]
    assert var["id"].to_list() == [str(name) for name in peer.index] == ["780", "1956"]
    assert obs["cell"].to_list() == ["A", None, "B"]
    assert obs["tas"].to_list() == [0.5, None, 0.1]
    assert var["symbol"].to_list() == ["DDR1", "EGFR"]
    np.testing.assert_array_equal(read_rows(path, np.array([2, 0])), X[[2, 0]])
    with h5py.File(path, "a") as file:
        del file["0/META/COL/id"]
        file["0/META/COL/id"] = np.array([b"s1", b"s2"])
    with pytest.raises(InputError, match="the matrix is 3 x 2, the ids are of 2 signatures"):
        read_matrix(path)


def test_a_missing_required_column_is_named(tmp_path):
    write_matrix(X, OBS, VAR, tmp_path / "x.h5ad")
    with pytest.raises(InputError, match=r"obs has no column 'cell'.*found are signature, drug"):
        read_labels(tmp_path / "x.h5ad", ["drug", "cell"])


def test_labels_of_rows_are_those_of_a_selection():
    assert set(schemas.Selection.to_schema().columns) < set(OBS_COLUMNS)
