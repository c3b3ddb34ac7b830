"""Scoring a fold at one dose and time."""

import numpy as np
import polars as pl
import pytest

from perturbkg.errors import InputError
from perturbkg.io.matrices import write_matrix
from perturbkg.splits._evaluated import Condition, only_evaluated


@pytest.fixture
def signatures(tmp_path):
    obs = pl.DataFrame(
        {
            "signature": ["s0", "s1", "s2", "s3", "s4"],
            "dose_um": [10.0, 9.99999, 1.0, None, 11.5],
            "time_h": [24.0, 24.0, 24.0, 24.0, 6.0],
        }
    )
    var = pl.DataFrame({"symbol": ["G"]})
    write_matrix(np.zeros((5, 1), np.float32), obs, var, tmp_path / "signatures.h5ad")
    return tmp_path / "signatures.h5ad"


def test_a_condition_has_a_tolerance_of_dose_and_none_of_time(signatures):
    def met(*arguments):
        return Condition(*arguments).met(signatures).to_list()

    assert met() == [True] * 5
    assert met(10.0, None, 0.2) == [True, True, False, False, True]
    assert met(10.0, None, 0.1) == [True, True, False, False, False]
    assert met(10.0, 24.0, 0.2) == [True, True, False, False, False]
    assert met(None, 6.0, 0.2) == [False] * 4 + [True]


def test_only_test_signatures_are_left_out():
    part = pl.Series("part", ["train", "test", "test", "validation", "left_out"])
    evaluated = pl.Series([False, True, False, False, True])
    found = only_evaluated(part, evaluated, 0)
    assert found.name == "part"
    assert found.to_list() == ["train", "test", "left_out", "validation", "left_out"]


def test_a_fold_without_any_is_one_line():
    part = pl.Series("part", ["train", "test", "validation"])
    with pytest.raises(InputError, match=r"fold 3: none of 1 test signatures .* evaluate.dose_um"):
        only_evaluated(part, pl.Series([True, False, True]), 3)


@pytest.mark.parametrize("column", ["dose_um", "time_h"])
def test_a_reader_that_states_no_dose_or_time_is_one_line(tmp_path, column):
    path = tmp_path / "signatures.h5ad"
    obs = pl.DataFrame({"signature": ["s0"], "dose_um": [10.0], "time_h": [24.0]})
    empty = obs.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    write_matrix(np.zeros((1, 1), np.float32), empty, pl.DataFrame({"symbol": ["G"]}), path)
    with pytest.raises(InputError, match=f"signatures.h5ad: {column} is empty in every row, .* to null$"):
        Condition(10.0, 24.0).met(path)


def test_every_signature_that_is_left_out_has_one_reason(signatures):
    part = pl.Series(["test", "left_out", "left_out", "left_out", "left_out"])
    assert Condition(10.0, 24.0, 0.2).counts(signatures, part)["left_out"] == {
        "dose_um is unknown": 1,
        "dose_um is not 10": 1,
        "time_h is unknown": 0,
        "time_h is not 24": 1,
    }
