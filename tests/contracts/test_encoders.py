"""What every encoder promises, whoever wrote it: found by itself, nothing is listed here."""

import dataclasses
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest

from perturbkg import plugins
from perturbkg.encoders import Encoder, Modality
from perturbkg.graph.features import encode_nodes

NAMES = plugins.names("encoders")
TYPE = "a"
INPUTS: dict[str, list[Any]] = {
    "text": ["An inhibitor of a kinase.", "x", "Ünïcode, 100 % of it\nin two lines"],
    "smiles": ["CC(=O)Oc1ccccc1C(=O)O", "C", "C[N+](C)(C)CC([O-])=O"],
    "sequence": ["MSDVAIVKEGWLHKRGEYIKTWRPRYF", "M", "MKXXU*"],
    "baseline": [0, 1, 2],
    "none": [],
}
BASELINE = np.random.default_rng(0).normal(8, 2, size=(3, 978)).astype(np.float32)


@pytest.fixture(params=NAMES)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return plugins.create("encoders", request.param)


def given(encoder: Encoder) -> list[Any]:
    """Return inputs of an encoder's modality, as `encode` gets them."""
    inputs = INPUTS[encoder.modality]
    return [BASELINE[row] for row in inputs] if encoder.modality == "baseline" else inputs


@pytest.mark.parametrize("name", NAMES)
def test_class_and_options(name: str) -> None:
    cls = plugins.load("encoders", name)
    assert issubclass(cls, Encoder)
    assert dataclasses.is_dataclass(cls)
    assert plugins.options_of("encoders", name) == plugins.fields_of(cls)
    assert cls.__doc__


def test_modality_is_a_column_of_the_inputs(encoder: Encoder) -> None:
    assert encoder.modality in get_args(Modality)


def test_shape_type_and_finite(encoder: Encoder) -> None:
    matrix = encoder.encode(given(encoder))
    assert matrix.dtype == np.float32
    assert matrix.ndim == 2
    assert len(matrix) == len(given(encoder))
    assert np.isfinite(matrix).all()


def test_an_input_is_encoded_alike_alone_and_beside_others(encoder: Encoder) -> None:
    inputs = given(encoder)
    together = encoder.encode(inputs)
    for row in range(len(inputs)):
        assert np.array_equal(encoder.encode(inputs[row : row + 1])[0], together[row])
    assert np.array_equal(encoder.encode(inputs[::-1]), together[::-1])


def test_different_inputs_have_different_vectors(encoder: Encoder) -> None:
    matrix = encoder.encode(given(encoder))
    assert len(np.unique(matrix, axis=0)) == len(matrix) or encoder.modality == "none"


def test_nodes_with_nothing_to_encode_are_marked(encoder: Encoder) -> None:
    columns = dict.fromkeys(("text", "smiles", "sequence"), pl.String) | {"baseline": pl.Int64}
    values = [*INPUTS[encoder.modality], None]
    inputs = pl.DataFrame(
        {
            "node": [str(row) for row in range(len(values))],
            "type": TYPE,
            **{name: values if name == encoder.modality else None for name in columns},
        },
        schema_overrides=columns,
    )
    found = encode_nodes(encoder, inputs, TYPE, BASELINE)
    assert found.encoded.tolist() == [True] * (len(values) - 1) + [False]
    assert not found.matrix[-1].any()
    assert np.array_equal(found.matrix[:-1], encoder.encode(given(encoder)))
