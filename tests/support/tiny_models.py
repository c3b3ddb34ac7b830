"""Language models small enough for a test: published architectures, random weights, own vocabularies.

Each is written as the files of its repository on the hub, with the tensor names of its checkpoint.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_molformer
import torch
from reader_examples import FOLDER, load
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, EsmConfig, EsmModel

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *LETTERS,
    *LETTERS.upper(),
    *(f"##{a}" for a in LETTERS),
]
WORDS += ["kinase", "An", "inhibitor", "of", "##ase", "##in", ".", ",", "%", "1", "0", "ü", "##ü"]
RESIDUES = "ACDEFGHIKLMNPQRSTVWXY"
BERT_RESIDUES = [*WORDS[:5], *RESIDUES, *(f"##{residue}" for residue in RESIDUES)]
ESM_RESIDUES = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}


def write_biobert(folder: Path, seed: int = 0) -> Path:
    """Write config.json, vocab.txt and pytorch_model.bin, whose tensors have no prefix, and a pooler."""
    model = _drawn(lambda: BertModel(BertConfig(vocab_size=len(WORDS), **SIZES)), seed)
    _write_config(folder, model.config.to_dict(), WORDS)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def write_minilm(folder: Path, seed: int = 0) -> Path:
    """Write config.json, vocab.txt and model.safetensors, whose tensors have no prefix."""
    config = BertConfig(vocab_size=len(WORDS), **SIZES)
    model = _drawn(lambda: BertModel(config, add_pooling_layer=False), seed)
    _write_config(folder, config.to_dict(), WORDS)
    save_file(model.state_dict(), folder / "model.safetensors")
    return folder


def write_protein_bert(folder: Path, seed: int = 0) -> Path:
    """Write config.json, vocab.txt and model.safetensors of a masked language model."""
    config = BertConfig(vocab_size=len(BERT_RESIDUES), **SIZES)
    model = _drawn(lambda: BertModel(config, add_pooling_layer=False), seed)
    _write_config(folder, config.to_dict(), BERT_RESIDUES)
    tensors = {f"bert.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(tensors | {"cls.predictions.bias": torch.zeros(3)}, folder / "model.safetensors")
    return folder


def write_esm2(folder: Path, seed: int = 0) -> Path:
    """Write config.json, vocab.txt and model.safetensors, with the positions' frequencies in each layer."""
    config = EsmConfig(
        vocab_size=len(ESM_RESIDUES),
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        max_position_embeddings=1026,
        layer_norm_eps=1e-5,
        **SIZES,
    )
    tensors = _drawn(lambda: EsmModel(config, add_pooling_layer=False), seed).state_dict()
    frequencies = tensors.pop("rotary_embeddings.inv_freq")
    for layer in range(config.num_hidden_layers):
        tensors[f"encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"] = frequencies.clone()
    _write_config(folder, config.to_dict(), ESM_RESIDUES)
    published = {f"esm.{name}": tensor for name, tensor in tensors.items()}
    save_file(published | {"lm_head.bias": torch.zeros(3)}, folder / "model.safetensors")
    return folder


#: Encoder -> what writes a model for it.
WRITERS: dict[str, Callable[..., Path]] = {
    "biobert": write_biobert,
    "esm2": write_esm2,
    "minilm": write_minilm,
    "molformer": tiny_molformer.write,
    "protein_bert": write_protein_bert,
}


def options(encoder: str, weights: Path) -> dict[str, Any]:
    """Write a tiny model below a folder of weights; return the fields with which an encoder finds it.

    A new encoder has its own in tests/source_examples/encoders/<encoder>/example.py: `write(folder)`.
    """
    example = FOLDER / "encoders" / encoder / "example.py"
    if encoder not in WRITERS and not example.is_file():
        pytest.fail(
            f"encoder {encoder!r} needs a tiny model of its architecture: add "
            f"tests/source_examples/encoders/{encoder}/example.py, whose write(folder) makes its files",
            pytrace=False,
        )
    write = WRITERS[encoder] if encoder in WRITERS else load(example).write
    write(weights / f"tiny--{encoder}")
    return {
        "model": f"tiny/{encoder}",
        "revision": "main",
        "dtype": "float32",
        "device": "cpu",
        "weights_folder": weights,
    }


def _drawn(make: Callable[[], torch.nn.Module], seed: int) -> Any:
    """Return a model with random values in all tensors, including biases and normalisations."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make().eval()
        for parameter in model.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    return model


def _write_config(folder: Path, config: dict[str, Any], vocabulary: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, default=str))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
