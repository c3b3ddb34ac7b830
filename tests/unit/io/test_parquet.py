import errno

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.parquet import explained


def cells():
    columns = {name: ["x"] for name in schemas.Cells.to_schema().columns}
    return pl.DataFrame(columns)


@pytest.mark.parametrize("end", [0, 3, 40, -9])
def test_a_truncated_file_is_named(tmp_path, end):
    path = tmp_path / "cells.parquet"
    schemas.write(cells(), schemas.Cells, path)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(InputError, match="truncated or damaged Parquet file") as caught:
        schemas.read(path, schemas.Cells)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_an_unreachable_file_is_not_reported_as_damaged(tmp_path):
    with pytest.raises(InputError, match=r"absent.parquet: cannot be read .No such file") as caught:
        schemas.read(tmp_path / "absent.parquet", schemas.Cells)
    assert "damaged" not in str(caught.value)
    with (
        pytest.raises(InputError, match=r"x: cannot be read .Permission denied"),
        explained(tmp_path / "x"),
    ):
        raise OSError(f"(os error {errno.EACCES})")


def test_what_polars_panics_over_is_named(tmp_path):
    with pytest.raises(InputError, match="truncated or damaged Parquet file"), explained(tmp_path / "x"):
        raise pl.exceptions.PanicException("assertion failed")
