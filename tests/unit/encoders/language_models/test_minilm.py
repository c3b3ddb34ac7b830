"""MiniLM with its real weights, from the package that carries them."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from perturbkg import plugins
from perturbkg.encoders._language_models import weights
from perturbkg.errors import InputError

TEXTS = [
    "An inhibitor of the epidermal growth factor receptor.",
    "Blocks EGFR signalling in tumour cells.",
    "A river in the north of Portugal.",
]


@pytest.fixture(scope="module")
def encoder():
    return plugins.load("encoders", "minilm")(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def vectors(encoder):
    return encoder.encode(TEXTS)


def test_texts_of_near_meaning_get_near_vectors(vectors):
    assert vectors.shape == (3, 384)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near, far, other = unit[0] @ unit[1], unit[0] @ unit[2], unit[1] @ unit[2]
    assert near > 0.4
    assert max(far, other) < 0.2


def test_vectors_are_those_of_transformers_own_classes(encoder, vectors):
    folder = encoder._paths["config.json"].parent
    tokeniser = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    given = tokeniser(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**given).last_hidden_state
    mask = given["attention_mask"][..., None]
    np.testing.assert_allclose(vectors, (hidden * mask).sum(1) / mask.sum(1), atol=2e-5)


def test_letters_are_read_in_lower_case_and_without_accents(encoder):
    one, other = encoder.encode(["Ménière DISEASE", "meniere disease"])
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_without_the_package_the_line_names_the_encoder_to_use_instead(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "PACKAGES", {})
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: None)
    encoder = plugins.load("encoders", "minilm")(weights_folder=tmp_path)
    with pytest.raises(
        InputError, match=r"all-MiniLM-L6-v2: config.json, .* or name the encoder hashed_text"
    ):
        encoder.encode(["x"])
