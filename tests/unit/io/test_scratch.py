import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.io.scratch import Scratch


@given(data=st.data(), rows=st.integers(1, 40), columns=st.integers(1, 5), at_once=st.integers(1, 50))
@settings(max_examples=60)
def test_rows_written_in_any_order_are_read_in_order(tmp_path_factory, data, rows, columns, at_once):
    matrix = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    order = np.array(data.draw(st.permutations(range(rows))))
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=4)))
    with Scratch(rows, columns, tmp_path_factory.mktemp("scratch")) as scratch:
        for part in np.split(order, cuts):
            scratch.put(part, matrix[part])
        blocks = list(scratch.blocks(at_once))
    assert max(map(len, blocks)) <= at_once
    np.testing.assert_array_equal(np.concatenate(blocks), matrix)


def test_a_part_can_be_read_and_written_again(tmp_path):
    with Scratch(5, 2, tmp_path) as scratch:
        scratch.put(np.arange(5), np.arange(10.0).reshape(5, 2)[:, ::-1])
        scratch.put(np.array([3]), np.array([[8, 9]]))
        assert scratch.read(2, 4).tolist() == [[5, 4], [8, 9]]
        assert scratch.read(2, 4).dtype == np.float32
        assert scratch.read(5, 5).shape == (0, 2)


def test_no_file_stays_in_the_folder(tmp_path):
    folder = tmp_path / "made"
    with pytest.raises(RuntimeError), Scratch(3, 2, folder) as scratch:
        scratch.put(np.array([1]), np.ones((1, 2)))
        assert list(folder.iterdir()) == []  # not even while in use: a killed process leaves no file
        raise RuntimeError
    assert list(folder.iterdir()) == []


def test_a_row_that_was_never_written_is_not_read_as_zeros(tmp_path):
    with Scratch(4, 2, tmp_path) as scratch:
        scratch.put(np.array([0, 3]), np.ones((2, 2)))
        with pytest.raises(ValueError, match="row 1 was never written"):
            list(scratch.blocks())


def test_a_block_of_another_shape_is_an_error(tmp_path):
    with (
        Scratch(4, 2, tmp_path) as scratch,
        pytest.raises(ValueError, match=r"a block of \(1, 2\) for 2 rows"),
    ):
        scratch.put(np.array([0, 3]), np.ones((1, 2)))


def test_too_little_disk_space_is_one_line(tmp_path):
    with pytest.raises(InputError) as caught, Scratch(1, 10**12, tmp_path):
        pass
    assert str(caught.value).startswith(f"{tmp_path}: 4000.00 GB are needed and ")
    assert "\n" not in str(caught.value)


def test_a_disk_that_fills_up_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "pwrite", full)
    with (
        pytest.raises(InputError, match="the disk is full; free some room"),
        Scratch(1, 2, tmp_path) as scratch,
    ):
        scratch.put(np.array([0]), np.ones((1, 2)))
