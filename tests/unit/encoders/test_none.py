"""Nothing to encode."""

from perturbkg.encoders.none import Nothing


def test_no_columns() -> None:
    assert Nothing().encode(["a", "b"]).shape == (2, 0)
