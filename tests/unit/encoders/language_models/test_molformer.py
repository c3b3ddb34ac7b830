"""The native MoLFormer against a slow, plain formulation and the published facts of its checkpoint."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf
from tiny_molformer import CONFIG, VOCABULARY, model, write

from perturbkg.encoders._language_models.molformer import HEAD, MolFormer, checkpoint_name, molformer
from perturbkg.errors import InputError

# config.json of ibm/MoLFormer-XL-both-10pct, as far as an encoder reads it.
PUBLISHED = {
    "vocab_size": 2362,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 768,
    "num_random_features": 32,
    "layer_norm_eps": 1e-12,
    "linear_attention_eps": 1e-6,
    "hidden_act": "gelu",
    "feature_map_kernel": "relu",
}
PUBLISHED_BYTES = 187_248_784  # of its model.safetensors


def slow(made: MolFormer, ids: list[int]) -> np.ndarray:
    """Return the last hidden states of one text, (tokens, width), in double precision.

    Attention is a (tokens, tokens) matrix of kernel values, each row divided by its sum; a position turns the
    complex number whose parts are the columns i and i + head / 2. Nothing of the model's code is used.
    """
    weights = {name: tensor.double().numpy() for name, tensor in made.state_dict().items()}
    heads, tokens = made.heads, len(ids)

    def dense(name: str, states: np.ndarray) -> np.ndarray:
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normalised(name: str, states: np.ndarray) -> np.ndarray:
        centred = states - states.mean(-1, keepdims=True)
        spread = np.sqrt(centred.var(-1, keepdims=True) + CONFIG["layer_norm_eps"])
        return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def turned(states: np.ndarray) -> np.ndarray:  # (tokens, head)
        half = states.shape[1] // 2
        frequencies = 10000.0 ** (-np.arange(half) / half)
        numbers = states[:, :half] + 1j * states[:, half:]
        numbers = numbers * np.exp(1j * np.arange(tokens)[:, None] * frequencies)
        return np.hstack([numbers.real, numbers.imag])

    hidden = weights["embedding.weight"][ids]
    for layer in range(len(made.layers)):
        at = f"layers.{layer}"
        parts = {
            name: np.split(dense(f"{at}.{name}", hidden), heads, axis=1) for name in ("query", "key", "value")
        }
        attended = []
        for query, key, value in zip(*parts.values(), strict=True):
            features = weights[f"{at}.features"]
            kernel = np.maximum(turned(query) @ features, 0) @ np.maximum(turned(key) @ features, 0).T
            total = np.maximum(kernel.sum(axis=1, keepdims=True), CONFIG["linear_attention_eps"])
            attended.append(kernel / total @ value)
        hidden = normalised(f"{at}.attention_norm", hidden + dense(f"{at}.attended", np.hstack(attended)))
        wide = dense(f"{at}.widen", hidden)
        hidden = normalised(
            f"{at}.norm", hidden + dense(f"{at}.narrow", wide * (1 + erf(wide / np.sqrt(2))) / 2)
        )
    return normalised("norm", hidden)


def states(made: MolFormer, texts: list[list[int]], padding: int = 0) -> list[np.ndarray]:
    """Return the last hidden states of each text of a batch, without those of its padding."""
    longest = max(map(len, texts)) + padding
    ids = torch.tensor([text + [VOCABULARY["<pad>"]] * (longest - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
    with torch.inference_mode():
        found = made(ids, mask)
    return [rows[: len(text)].numpy() for rows, text in zip(found, texts, strict=True)]


TEXTS = st.lists(
    st.lists(st.integers(0, CONFIG["vocab_size"] - 1), min_size=1, max_size=40), min_size=1, max_size=5
)


@settings(max_examples=40)
@given(texts=TEXTS, seed=st.integers(0, 20), padding=st.integers(0, 9))
def test_agrees_with_the_slow_formulation(texts: list[list[int]], seed: int, padding: int) -> None:
    made = model(seed)
    for text, found in zip(texts, states(made, texts, padding), strict=True):
        assert np.allclose(found, slow(made, text), atol=2e-5)


@settings(max_examples=20)
@given(texts=TEXTS, padding=st.integers(0, 60))
def test_a_text_has_the_same_vectors_alone_and_in_a_batch_with_any_padding(
    texts: list[list[int]], padding: int
) -> None:
    made = model()
    for text, found in zip(texts, states(made, texts, padding), strict=True):
        assert np.allclose(found, states(made, [text])[0], atol=1e-5)


def test_position_and_order_of_tokens_matter() -> None:
    made = model()
    one, other = states(made, [[0, 4, 6, 1], [0, 6, 4, 1]])
    assert not np.allclose(one.mean(axis=0), other.mean(axis=0), atol=1e-3)


def test_more_tokens_than_in_pretraining() -> None:
    made = model()
    text = [0, *np.random.default_rng(0).integers(4, 20, 500).tolist(), 1]
    assert np.allclose(states(made, [text])[0], slow(made, text), atol=1e-4)


def test_features_are_never_redrawn() -> None:
    made = model()
    before = states(made, [[0, 4, 6, 1]])[0]
    made.train()
    assert np.array_equal(states(made, [[0, 4, 6, 1]])[0], before)


@pytest.mark.parametrize("count", [3, 8, 20])
def test_random_features_are_orthogonal_within_blocks(count: int) -> None:
    features = model(num_random_features=count).layers[0].features.double().numpy()
    assert features.shape == (8, count)  # 24 columns over 3 heads
    for start in range(0, count, 8):
        block = features[:, start : start + 8]
        directions = block / np.linalg.norm(block, axis=0)
        assert np.allclose(directions.T @ directions, np.eye(block.shape[1]), atol=1e-5)


def test_names_shapes_and_types_fill_the_published_file_to_the_byte() -> None:
    """A safetensors file is the length of its header, the header, and the tensors.

    The header holds each name, type, shape and place, so another name or shape changes the length.
    """
    with torch.device("meta"):
        encoder = MolFormer(PUBLISHED)
    width, vocabulary = PUBLISHED["hidden_size"], PUBLISHED["vocab_size"]
    shapes = {checkpoint_name(name): list(tensor.shape) for name, tensor in encoder.state_dict().items()}
    shapes |= {name: [width] for name in HEAD}
    shapes |= {
        "lm_head.transform.dense.weight": [width, width],
        "lm_head.decoder.weight": [vocabulary, width],
    }
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(shapes):
        start, end = end, end + 4 * math.prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [start, end]}
    length = len(json.dumps(header, separators=(",", ":")))
    assert 8 + (length + -length % 8) + end == PUBLISHED_BYTES


def test_names_of_the_checkpoint() -> None:
    found = [checkpoint_name(name) for name in model().state_dict()]
    assert len(found) == len(set(found)) == 1 + 2 * 17 + 2
    assert {name for name in found if "layer" not in name} == {
        "molformer.embeddings.word_embeddings.weight",
        "molformer.LayerNorm.weight",
        "molformer.LayerNorm.bias",
    }
    assert "molformer.encoder.layer.1.attention.self.feature_map.weight" in found
    assert "molformer.encoder.layer.1.attention.output.LayerNorm.bias" in found
    assert "molformer.encoder.layer.0.intermediate.dense.weight" in found


@pytest.mark.parametrize("key", ["hidden_size", "num_random_features", "linear_attention_eps", "vocab_size"])
def test_a_missing_key_of_the_configuration(key: str) -> None:
    with pytest.raises(InputError, match=f"^'{key}' is missing; fetch"):
        MolFormer({name: value for name, value in CONFIG.items() if name != key})


@pytest.mark.parametrize(("key", "value"), [("hidden_act", "silu"), ("feature_map_kernel", "exp")])
def test_another_function_is_refused(key: str, value: str) -> None:
    with pytest.raises(InputError, match=f"{key} is '{value}'"):
        MolFormer({**CONFIG, key: value})


def test_read_from_its_files(tmp_path: Path) -> None:
    folder = write(tmp_path, seed=3)
    found = molformer(folder / "config.json", folder / "model.safetensors")
    assert not found.training
    assert np.array_equal(states(found, [[0, 4, 6, 1]])[0], states(model(seed=3), [[0, 4, 6, 1]])[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not the config of a MolFormer"),
        ("[]", "not the config of a MolFormer"),
        ("{}", "is missing; fetch"),
        (json.dumps({**CONFIG, "hidden_size": "wide"}), "not the config of a MolFormer"),
        (json.dumps({**CONFIG, "num_attention_heads": 0}), "not the config of a MolFormer"),
        (json.dumps({**CONFIG, "hidden_act": "silu"}), "hidden_act is 'silu'"),
        (json.dumps({**CONFIG, "vocab_size": 9}), "for \\[9, 24\\] of another shape"),
    ],
)
def test_an_invalid_configuration_file(tmp_path: Path, content: str, message: str) -> None:
    folder = write(tmp_path)
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=f"^{folder}.*{message}") as caught:
        molformer(folder / "config.json", folder / "model.safetensors")
    assert "\n" not in str(caught.value)
