import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.signatures._fields import collapsed, known, withheld

UNKNOWN = ["-666", "-666.0", "-666.000000", "-666000", " -666 ", "restricted", "Restricted ", ""]
KNOWN = ["-6660", "-66", "-666.5", "666", "0", "unrestricted", "none"]


def text(expression, *values):
    return pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}).select(expression).to_series().to_list()


def test_sentinels_of_unknown_values_become_null():
    assert text(known(pl.col("x")), *UNKNOWN, None) == [None] * (len(UNKNOWN) + 1)
    assert text(known(pl.col("x")), *KNOWN) == KNOWN


def test_withheld_values_are_recognised():
    assert text(withheld(pl.col("x")), "restricted", " RESTRICTED", "-666", "CCO", None) == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        ("300.0|300.000000", "ng|ng", ("300.0", "ng")),
        ("-666.0|-666.000000", "-666|-666", (None, None)),
        ("-666|5", "-666|uM", ("5", "uM")),
        ("9.99999|10", "uM", ("9.99999", "uM")),
        ("1.5|300.0", "uL|ng", (None, None)),  # replicates that disagree
        ("-666000", " -666", (None, None)),
        ("5|five", "uM", ("5|five", "uM")),  # unchanged, so that the error shows it
        ("0|0.0", None, ("0", None)),
        (None, "uM", (None, "uM")),
        ("7", "uM", ("7", "uM")),
    ],
)
def test_a_field_with_a_value_for_each_replicate(number, unit, expected):
    table = pl.DataFrame({"n": [number], "u": [unit]}, schema={"n": pl.String, "u": pl.String})
    assert collapsed(table, ["n"], ["u"]).row(0) == expected


@given(
    value=st.floats(1e-3, 1e3),
    notations=st.lists(st.sampled_from(["{:.9f}", "{:.12e}", "-666", "-666.0"]), min_size=1, max_size=4),
)
def test_replicates_that_agree_give_one_value(value, notations):
    field = "|".join(notation.format(value) for notation in notations)
    (found,) = collapsed(pl.DataFrame({"n": [field]}), ["n"])["n"]
    if all(notation.startswith("-666") for notation in notations):
        assert found is None
    else:
        assert float(found) == pytest.approx(value, rel=1e-5)
