"""Predictions are matched with observations by name, and each kind of mismatch is one line."""

import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData, read_h5ad

from perturbkg.errors import InputError
from perturbkg.scoring.match import match, read_truth

P = [[1, 3, 2, 4], [5, 5, 7, 9], [1, 0, 0, 1]]


def matched(path, prediction, **which):
    """Return what the metrics see, and obs of the truth."""
    truth = read_truth(path, **which)
    return match(truth, prediction), truth.obs


def test_matches_rows_columns_and_means_by_name(matrix, truth, means):
    shuffled = np.array(P)[[2, 0, 1]][:, [3, 0, 1, 2]]
    prediction = matrix("p", shuffled, {"signature": ["s3", "s1", "s2"]}, genes=["40", "10", "20", "30"])
    evaluation, obs = matched(truth, prediction, means=means)
    np.testing.assert_array_equal(evaluation.predicted, P)
    np.testing.assert_array_equal(evaluation.observed, [[1, 2, 3, 4], [5, 6, 7, 9], [0, 0, 1, 1]])
    np.testing.assert_array_equal(
        evaluation.training_mean[evaluation.cell], np.repeat([[1], [1], [2]], 4, axis=1)
    )
    assert obs["signature"].to_list() == ["s1", "s2", "s3"]


def test_reads_only_the_requested_rows_in_their_order(matrix, truth):
    prediction = matrix("p", [P[2], P[0]], {"signature": ["s3", "s1"]})
    evaluation, obs = matched(truth, prediction, signatures=["s1", "s3"])
    np.testing.assert_array_equal(evaluation.observed, [[1, 2, 3, 4], [0, 0, 1, 1]])
    np.testing.assert_array_equal(evaluation.predicted, [P[0], P[2]])
    assert np.isnan(evaluation.training_mean).all()
    assert obs["signature"].to_list() == ["s1", "s3"]


def test_reads_a_sparse_matrix_of_doubles(matrix, truth, tmp_path):
    dense = read_h5ad(matrix("p", P, {"signature": ["s1", "s2", "s3"]}))
    path = tmp_path / "sparse.h5ad"
    AnnData(X=sp.csr_matrix(np.array(P, dtype=np.float64)), obs=dense.obs, var=dense.var).write_h5ad(path)
    np.testing.assert_array_equal(matched(truth, path)[0].predicted, P)


def test_reads_expected_errors_by_name_where_there_are_any(matrix, truth):
    labels = {"signature": ["s3", "s1", "s2"], "std": [3.0, 1.0, np.nan]}
    evaluation, _ = matched(truth, matrix("p", [P[2], P[0], P[1]], labels))
    np.testing.assert_array_equal(evaluation.std, [1, np.nan, 3])
    assert matched(truth, matrix("q", P, {"signature": ["s1", "s2", "s3"]}))[0].std is None


def test_reads_expected_errors_of_a_table(truth, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("signature,std,10,20,30,40\ns1,1.5,1,3,2,4\ns2,,5,5,7,9\ns3,2,1,0,0,1\n")
    evaluation, _ = matched(truth, path)
    np.testing.assert_array_equal(evaluation.std, [1.5, np.nan, 2])
    np.testing.assert_array_equal(evaluation.predicted, P)


@pytest.mark.parametrize("std", ["-1", "inf", "wide"])
def test_an_expected_error_that_cannot_be_one_is_named(truth, tmp_path, std):
    path = tmp_path / "p.csv"
    path.write_text(f"signature,std,10,20,30,40\ns1,1.5,1,3,2,4\ns2,{std},5,5,7,9\ns3,2,1,0,0,1\n")
    with pytest.raises(InputError, match=r"p.csv: signature 's2' has the std .*; write a number"):
        matched(truth, path)


# AnnData warns while the test writes its bad input.
@pytest.mark.filterwarnings("ignore:(Observation|Variable) names are not unique:UserWarning")
@pytest.mark.parametrize(
    ("rows", "genes", "message"),
    [
        ({"signature": ["s1", "s2", "s4"]}, None, "signature 's3' is missing .*; add it"),
        ({"signature": ["s1", "s2"]}, None, r"signature 's3' is missing \(1 of 3 are\)"),
        ({"signature": ["s1", "s2", "s3", "s4"]}, None, "signature 's4' is not among the 3"),
        (
            {"signature": ["s1", "s2", "s2"]},
            None,
            r"signature 's2' appears twice \(entries 2 and 3\); remove one",
        ),
        (
            {"signature": ["s1", "s2", "s3"], "cell": ["A549", "MCF7", "MCF7"]},
            None,
            "'s2' is of cell line 'MCF7'",
        ),
        ({"signature": ["s1", "s2", "s3"]}, ["10", "20", "30", "50"], r"p.h5ad: gene '40' is missing"),
        ({"signature": ["s1", "s2", "s3"]}, ["10", "20", "30", "40", "50"], "gene '50' is not among"),
        (
            {"signature": ["s1", "s2", "s3"]},
            ["10", "20", "30", "10"],
            r"gene '10' appears twice \(entries 1 and 4\)",
        ),
    ],
)
def test_predictions_that_do_not_match_are_named(matrix, truth, rows, genes, message):
    genes = genes or ["10", "20", "30", "40"]
    prediction = matrix("p", np.ones((len(rows["signature"]), len(genes))), rows, genes)
    with pytest.raises(InputError, match=message) as error:
        matched(truth, prediction)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named(matrix, truth, value):
    broken = np.array(P, dtype=float)
    broken[1, 2] = value
    prediction = matrix("p", broken, {"signature": ["s1", "s2", "s3"]})
    with pytest.raises(
        InputError, match=r"p.h5ad: signature 's2', gene '30': (nan|inf) is not finite; write"
    ):
        matched(truth, prediction)


def test_a_missing_mean_or_column_or_signature_is_named(matrix, truth, means):
    prediction = matrix("p", P, {"signature": ["s1", "s2", "s3"]})
    with pytest.raises(InputError, match="no mean training profile of cell line 'MCF7'"):
        matched(truth, prediction, means=matrix("m", [[1, 1, 1, 1]], {"cell": ["A549"]}))
    with pytest.raises(InputError, match=r"obs has no column 'cell'; .*; add the cell of each signature"):
        matched(prediction, truth)
    with pytest.raises(InputError, match="signature 's9' of the test part"):
        matched(truth, prediction, signatures=["s9"])
    with pytest.raises(InputError, match="no signature to score"):
        matched(truth, prediction, signatures=[])


def test_problems_of_tables_are_named_by_the_row_of_the_file(truth, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,cell,10,20,30,40\ns1,A549,1,2,3,4\n\ns1,A549,1,2,3,4\n")
    with pytest.raises(InputError, match=r"signature 's1' appears twice \(rows 2 and 4\); remove one"):
        matched(path, truth)
    path.write_text("id,cell,10,20,30,40\ns1,A549,1,2,3,4\ns2,,1,2,3,4\n")
    with pytest.raises(InputError, match=r"signature 's2' has no cell; fill in the column `cell`"):
        matched(path, truth)
    path.write_text("id,10\ns1,1\n")
    with pytest.raises(InputError, match=r"row 1: no column 'cell'; found are id; add the cell of each"):
        matched(path, truth)


def test_a_truncated_or_foreign_file_is_named(matrix, truth, tmp_path):
    prediction = matrix("p", P, {"signature": ["s1", "s2", "s3"]})
    prediction.write_bytes(prediction.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"p.h5ad: truncated, damaged or no HDF5 file"):
        matched(truth, prediction)
    prediction.write_text("signature,gene\n")
    with pytest.raises(InputError, match=r"p.h5ad: truncated, damaged or no HDF5 file"):
        matched(truth, prediction)
    with pytest.raises(InputError, match=r"absent.h5ad: cannot be read .No such file"):
        matched(truth, tmp_path / "absent.h5ad")
