"""The encoder of types without inputs."""

from perturbkg.encoders.none import Nothing


def test_no_columns() -> None:
    assert Nothing().encode(["a", "b"]).shape == (2, 0)
