"""The contract of every encoder.

A language model is tested with a tiny model of its architecture (tests/support/tiny_models.py), and without
weights for its error message.
"""

import dataclasses
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest

from perturbkg import plugins
from perturbkg.encoders import Encoder, Modality
from perturbkg.encoders._language_model import LanguageModel
from perturbkg.encoders._nodes import encode_nodes
from perturbkg.errors import InputError

NAMES = plugins.names("encoders")
LANGUAGE_MODELS = [name for name in NAMES if issubclass(plugins.load("encoders", name), LanguageModel)]
TYPE = "a"
INPUTS: dict[str, list[Any]] = {
    "text": ["An inhibitor of a kinase.", "x", "Ünïcode, 100 % of it\nin two lines"],
    "smiles": ["CC(=O)Oc1ccccc1C(=O)O", "C", "C[N+](C)(C)CC([O-])=O"],
    "sequence": ["MSDVAIVKEGWLHKRGEYIKTWRPRYF", "M", "MKXXU*"],
    "baseline": [0, 1, 2],
    "none": [],
}
BASELINE = np.random.default_rng(0).normal(8, 2, size=(3, 978)).astype(np.float32)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(params=NAMES)
def encoder(request: pytest.FixtureRequest, weights: Path) -> Encoder:
    if request.param not in LANGUAGE_MODELS:
        return plugins.create("encoders", request.param)
    return tiny(request.param, weights)


def tiny(name: str, weights: Path, **fields: Any) -> LanguageModel:
    """Return an encoder with a tiny model."""
    import tiny_models  # noqa: PLC0415 - imports transformers, for these encoders only

    return plugins.load("encoders", name)(**tiny_models.options(name, weights), **fields)


def agree(encoder: Encoder, one: np.ndarray, other: np.ndarray) -> None:
    """Check that two vectors or matrices are equal, for a language model up to rounding."""
    if isinstance(encoder, LanguageModel):
        np.testing.assert_allclose(one, other, atol=1e-5)
    else:
        assert np.array_equal(one, other)


def given(encoder: Encoder) -> list[Any]:
    """Return inputs of an encoder's modality, as `encode` gets them."""
    inputs = INPUTS[encoder.modality]
    return [BASELINE[row] for row in inputs] if encoder.modality == "baseline" else inputs


@pytest.mark.parametrize("name", NAMES)
def test_class(name: str) -> None:
    cls = plugins.load("encoders", name)
    assert issubclass(cls, Encoder)
    assert dataclasses.is_dataclass(cls)
    assert cls.__doc__


def test_modality_is_a_column_of_the_inputs(encoder: Encoder) -> None:
    assert encoder.modality in get_args(Modality)


def test_shape_type_and_finite(encoder: Encoder) -> None:
    matrix = encoder.encode(given(encoder))
    assert matrix.dtype == np.float32
    assert matrix.ndim == 2
    assert len(matrix) == len(given(encoder))
    assert np.isfinite(matrix).all()


def test_an_input_has_the_same_vector_alone_and_among_others(encoder: Encoder) -> None:
    inputs = given(encoder)
    together = encoder.encode(inputs)
    for row in range(len(inputs)):
        agree(encoder, encoder.encode(inputs[row : row + 1])[0], together[row])
    agree(encoder, encoder.encode(inputs[::-1]), together[::-1])


def test_different_inputs_have_different_vectors(encoder: Encoder) -> None:
    matrix = encoder.encode(given(encoder))
    assert len(np.unique(matrix, axis=0)) == len(matrix) or encoder.modality == "none"


def test_nodes_without_an_input_are_marked(encoder: Encoder) -> None:
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
    found, remarks = encode_nodes(encoder, inputs, TYPE, BASELINE)
    assert found.encoded.tolist() == [True] * (len(values) - 1) + [False]
    assert not found.matrix[-1].any()
    agree(encoder, found.matrix[:-1], encoder.encode(given(encoder)))
    assert all(0 <= count <= len(values) - 1 for count in remarks.values())


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_language_model_returns_the_bytes_that_it_cached(name: str, weights: Path, tmp_path: Path) -> None:
    first, second = (tiny(name, weights, vectors_folder=tmp_path) for _ in range(2))
    inputs = given(first)
    assert second.encode(inputs).tobytes() != b""  # written by the first of them
    assert first.encode(inputs[::-1])[::-1].tobytes() == second.encode(inputs).tobytes()
    assert first.counts.remembered == len(inputs)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_language_model_cuts_and_counts_long_inputs(name: str, weights: Path) -> None:
    encoder = tiny(name, weights, max_length=5)
    inputs = given(encoder)
    matrix = encoder.encode(inputs)
    assert np.isfinite(matrix).all()
    assert encoder.counts.inputs == len(inputs)
    assert 0 < encoder.counts.cut < len(inputs)
    (is_cut,) = encoder.remarks().values()
    assert is_cut.shape == (len(inputs),)
    assert is_cut.sum() == encoder.counts.cut


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_missing_weights_are_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perturbkg.encoders._language_models import weights  # noqa: PLC0415 - imports torch

    monkeypatch.setattr(weights, "PACKAGES", {})  # those that a package carries are missing without it
    encoder = plugins.create("encoders", name, {"device": "cpu"}, weights_folder=tmp_path)
    assert encoder.instead in set(NAMES) - set(LANGUAGE_MODELS)
    with pytest.raises(InputError, match=f"is wanted in .*name the encoder {encoder.instead}") as error:
        encoder.encode(given(encoder))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_the_model_of_a_language_model_is_pinned(name: str) -> None:
    options = plugins.options_of("encoders", name)
    assert len(options["revision"]) == 40
    assert (options["model"], options["revision"]) in plugins.load("encoders", name).digests
