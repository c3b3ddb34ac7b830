"""Encoders by a language model, on tiny models: options, files, what is cached, what is cut."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from toy_language_model import toy
from transformers import BertConfig, BertModel, EsmConfig, EsmModel

from perturbkg import plugins
from perturbkg.encoders._language_models import engine
from perturbkg.errors import InputError

TEXTS = ["An inhibitor of a kinase.", "x", "", "kinase"]
PROTEINS = ["MSDVAIVKEGWLHKRGEYIKTWRPRYF", "M", "", "MKXXU*"]
NAMES = ["biobert", "protein_bert", "esm2"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for name in NAMES:
        tiny_models.options(name, folder)
    return folder


@pytest.fixture
def made(weights):
    def make(name, **options):
        fields = tiny_models.options(name, weights) | options
        return plugins.load("encoders", name)(**fields)

    return make


def inputs(name):
    return TEXTS if name == "biobert" else PROTEINS


def folder_of(name, weights):
    return weights / f"tiny--{name}"


@pytest.mark.parametrize("name", NAMES)
def test_the_plug_in_is_found_without_importing_pytorch(name):
    code = f"from perturbkg import plugins; plugins.create('encoders', '{name}')"
    code += "; import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.parametrize("name", ["biobert", "protein_bert"])
def test_bert_agrees_with_transformers(name, made, weights):
    """One input at a time, without padding, mask or batches."""
    folder = folder_of(name, weights)
    encoder = made(name)
    reference = BertModel(
        BertConfig(**json.loads((folder / "config.json").read_text())), add_pooling_layer=False
    )
    model, tokeniser = encoder.architecture(encoder._paths)
    reference.load_state_dict(model.model.state_dict())
    ids = tokeniser.encode(inputs(name), 512)
    with torch.inference_mode():
        hidden = [reference.eval()(torch.tensor([each])).last_hidden_state[0] for each in ids]
    np.testing.assert_allclose(encoder.encode(inputs(name)), [each[0] for each in hidden], atol=1e-5)
    mean = made(name, pooling="mean").encode(inputs(name))
    np.testing.assert_allclose(mean, [each.mean(dim=0) for each in hidden], atol=1e-5)


def test_esm_agrees_with_transformers_with_the_frequencies_of_the_checkpoint(made, weights, tmp_path):
    """Older models have frequencies rounded to float16, which must not be recomputed."""
    encoder = made("esm2")
    path = folder_of("esm2", weights) / "model.safetensors"
    tensors = load_file(path)
    for name in [name for name in tensors if name.endswith("inv_freq")]:
        tensors[name] = tensors[name] * 1.5
    other = tmp_path / "tiny--esm2"
    tiny_models.write_esm2(other)
    save_file(tensors, other / "model.safetensors")
    config = EsmConfig(**json.loads((other / "config.json").read_text()))
    reference = EsmModel(config, add_pooling_layer=False).eval()
    model, tokeniser = encoder.architecture(encoder._paths)
    reference.load_state_dict(model.model.state_dict(), strict=False)
    reference.rotary_embeddings.inv_freq *= 1.5
    with torch.inference_mode():
        expected = [
            reference(torch.tensor([ids])).last_hidden_state[0, 0] for ids in tokeniser.encode(PROTEINS, 1024)
        ]
    np.testing.assert_allclose(made("esm2", weights_folder=tmp_path).encode(PROTEINS), expected, atol=1e-5)
    assert not np.allclose(encoder.encode(PROTEINS)[0], expected[0], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_gives_about_the_same_vectors(name, made):
    proteins = [*PROTEINS, "MSDVAIVKEGWLHKRGEYIKTWRPRYF" * 15]  # so long that wrong positions would show
    texts = TEXTS if name == "biobert" else proteins
    full, half = made(name).encode(texts), made(name, dtype="bfloat16").encode(texts)
    assert half.dtype == np.float32
    cosine = (full * half).sum(axis=1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert 0.99 < cosine.min() < 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_order_and_batches_do_not_change_a_vector(name, pooling, made):
    vectors = made(name, pooling=pooling).encode(inputs(name))
    assert len(np.unique(vectors.round(4), axis=0)) == len(vectors)
    backwards = made(name, pooling=pooling, tokens_per_batch=1).encode([*inputs(name)[::-1], inputs(name)[0]])
    np.testing.assert_allclose(backwards[-2::-1], vectors, atol=1e-5)
    np.testing.assert_allclose(backwards[-1], vectors[0], atol=1e-5)


@pytest.mark.parametrize(("name", "length"), [("protein_bert", 512), ("esm2", 1024)])
def test_a_protein_of_ten_thousand_residues_is_cut_and_counted(name, length, made, tmp_path, caplog):
    protein = "MSDVAIVKEG" * 1000
    encoder = made(name, vectors_folder=tmp_path)
    with caplog.at_level(logging.INFO):
        vectors = encoder.encode([protein, protein[: length - 2], protein])
    assert vectors[0].tolist() == pytest.approx(vectors[1].tolist(), abs=1e-5)
    assert (encoder.counts.inputs, encoder.counts.cut) == (2, 1)
    assert f"2 distinct inputs so far, 0 of them kept from before, 1 cut at {length} tokens" in caplog.text
    assert encoder.remarks()[f"cut at {length} tokens"].tolist() == [True, False, True]
    again = made(name, vectors_folder=tmp_path)
    again.encode([protein])
    assert (again.counts.cut, again.counts.remembered) == (1, 1)  # known without computing it
    assert again.remarks()[f"cut at {length} tokens"].tolist() == [True]


def test_a_cached_vector_is_not_computed(tmp_path):
    first = toy(tmp_path)
    vectors = first.encode(["a", "b", "a"])
    assert first.counts.inputs == 2
    second = toy(tmp_path)
    assert second.encode(["b", "a"]).tobytes() == vectors[1::-1].tobytes()
    assert second.counts.remembered == 2
    assert "_loaded" not in vars(second)  # nor was the model loaded
    third = toy(tmp_path)
    third.encode(["c", "a"])
    assert (third.counts.inputs, third.counts.remembered) == (2, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"pooling": "mean"},
        {"max_length": 100},
        {"dtype": "bfloat16"},
        {"revision": "other"},
        {"model": "tiny/other"},
    ],
)
def test_vectors_of_other_options_are_not_used(tmp_path, other):
    toy(tmp_path).encode(["a"])
    if "model" in other:
        (tmp_path / "weights" / "tiny--toy").rename(tmp_path / "weights" / "tiny--other")
    encoder = toy(tmp_path, **other)
    encoder.encode(["a"])
    assert encoder.counts.remembered == 0


def test_vectors_of_other_weights_are_not_used(tmp_path):
    toy(tmp_path).encode(["a"])
    (tmp_path / "weights" / "tiny--toy" / "weights.bin").write_text("other weights")
    encoder = toy(tmp_path)
    encoder.encode(["a"])
    assert encoder.counts.remembered == 0


def test_another_batch_size_or_device_does_not_recompute_a_vector(tmp_path):
    toy(tmp_path).encode(["a"])
    encoder = toy(tmp_path, tokens_per_batch=7, device="auto")
    encoder.encode(["a"])
    assert encoder.counts.remembered == 1


def test_a_corrupt_entry_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("perturbkg.encoders._language_models.cache._checksum", lambda *_: b"wrong")
    toy(tmp_path).encode(["a", "b"])
    monkeypatch.undo()
    encoder = toy(tmp_path)
    np.testing.assert_allclose(
        encoder.encode(["a", "b"]), toy(tmp_path, vectors_folder=None).encode(["a", "b"])
    )
    assert (encoder.counts.corrupt, encoder.counts.remembered) == (2, 0)


def test_pytorch_uses_the_requested_threads(tmp_path):
    """Even if it is imported only for the first text, after the threads of other libraries were set."""
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from perturbkg import plugins
from threadpoolctl import threadpool_limits
fields = {tiny_models.options("biobert", tmp_path)!r} | {{"weights_folder": Path({str(tmp_path)!r})}}
with threadpool_limits(3):
    assert "torch" not in sys.modules
    plugins.load("encoders", "biobert")(**fields, threads=3).encode(["a"])
import torch
print(torch.get_num_threads())
""".replace("PosixPath", "str")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"3\n"


def test_a_vector_that_is_not_finite_is_reported_and_not_cached(tmp_path, monkeypatch):
    pooled = engine.pool
    monkeypatch.setattr(engine, "pool", lambda *given: pooled(*given) * torch.inf)
    with pytest.raises(
        InputError, match=r"tiny/toy: the vector of 'a' is not finite in torch\.float32"
    ) as error:
        toy(tmp_path).encode(["a"])
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    again = toy(tmp_path)
    assert np.isfinite(again.encode(["a"])).all()
    assert again.counts.remembered == 0


def test_weights_with_another_checksum_are_reported(weights, monkeypatch):
    fields = tiny_models.options("biobert", weights)
    cls = plugins.load("encoders", "biobert")
    monkeypatch.setattr(cls, "digests", {("tiny/biobert", "main"): {"pytorch_model.bin": "0" * 64}})
    with pytest.raises(InputError, match=r"pytorch_model\.bin: its SHA-256 is"):
        cls(**fields).encode(["a"])


def test_a_missing_tensor_is_reported(tmp_path):
    fields = tiny_models.options("protein_bert", tmp_path)
    path = tmp_path / "tiny--protein_bert" / "model.safetensors"
    tensors = load_file(path)
    del tensors["bert.encoder.layer.1.output.dense.weight"]
    save_file(tensors | {"bert.encoder.layer.2.output.dense.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"layer\.1\.output\.dense\.weight missing; .*layer\.2.* surplus"):
        plugins.load("encoders", "protein_bert")(**fields).encode(["MS"])


def test_a_checkpoint_of_2019_names_its_normalisations_differently(made, tmp_path):
    fields = tiny_models.options("biobert", tmp_path)
    path = tmp_path / "tiny--biobert" / "pytorch_model.bin"
    tensors = torch.load(path, weights_only=True)
    names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {}
    for name, tensor in tensors.items():
        part = next(filter(name.endswith, names), "")
        old[f"bert.{name.removesuffix(part)}{names.get(part, '')}"] = tensor
    torch.save(old | {"cls.seq_relationship.weight": torch.zeros(2)}, path)
    found = plugins.load("encoders", "biobert")(**fields).encode(TEXTS)
    np.testing.assert_allclose(found, made("biobert").encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("not json", "not a config of bert"),
        ('{"model_type": "gpt2"}', "model_type is 'gpt2' instead of 'bert'"),
        ("{}", "not a config of bert"),
    ],
)
def test_another_config_is_reported(tmp_path, change, message):
    fields = tiny_models.options("biobert", tmp_path)
    (tmp_path / "tiny--biobert" / "config.json").write_text(change)
    with pytest.raises(InputError, match=message):
        plugins.load("encoders", "biobert")(**fields).encode(["a"])


def test_more_tokens_than_positions_are_reported(made):
    with pytest.raises(InputError, match="max_length: 513 is more than the 512 positions"):
        made("biobert", max_length=513).encode(["a"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"pooling": "max"}, "pooling: 'max'"),
        ({"max_length": 2}, "max_length: 2 must be greater than or equal to 3"),
        ({"tokens_per_batch": -1}, "tokens_per_batch: -1 must be greater"),
        ({"device": "tpu"}, "device: 'tpu'"),
        ({"dtype": "int8"}, "dtype: 'int8'"),
    ],
)
def test_meaningless_options_are_reported(made, option, message):
    with pytest.raises(InputError, match=message):
        made("biobert", **option).encode(["a"])


def test_folders_and_counts_are_not_options():
    options = plugins.options_of("encoders", "biobert")
    assert list(options) == [
        "model",
        "revision",
        "pooling",
        "max_length",
        "dtype",
        "device",
        "tokens_per_batch",
    ]
