"""BERT and ESM-2 as encoders: transformers builds them from a local config.json, a checkpoint fills them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn
from transformers import BertConfig, BertModel, EsmConfig, EsmModel

from perturbkg.encoders._language_models import weights
from perturbkg.errors import InputError

#: Tensors that a checkpoint has for its training objectives, and an encoder of tokens has no use for.
BERT_HEADS = frozenset(
    {
        "pooler.dense.weight",
        "pooler.dense.bias",
        "cls.predictions.bias",
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
        "cls.predictions.transform.dense.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.seq_relationship.weight",
        "cls.seq_relationship.bias",
    }
)
ESM_HEADS = frozenset(
    {
        "pooler.dense.weight",
        "pooler.dense.bias",
        "lm_head.bias",
        "lm_head.decoder.weight",
        "lm_head.decoder.bias",
        "lm_head.dense.weight",
        "lm_head.dense.bias",
        "lm_head.layer_norm.weight",
        "lm_head.layer_norm.bias",
        "contact_head.regression.weight",
        "contact_head.regression.bias",
    }
)
# 0, 1, 2, ...: older versions of transformers wrote it into checkpoints.
_COUNTING = "embeddings.position_ids"
_Config = TypeVar("_Config", BertConfig, EsmConfig)


class LastHidden(nn.Module):
    """A model of transformers that returns the last hidden states alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return (batch, tokens, width) from ids and mask, (batch, tokens) each."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def bert(config: Path, checkpoint: Path, max_length: int) -> LastHidden:
    """Return a BERT in float32; raise InputError where the files or the maximum length do not fit it."""
    model = BertModel(_config(BertConfig, config, max_length), add_pooling_layer=False)
    names = set(weights.read(checkpoint))
    prefix = "bert." if any(name.startswith("bert.") for name in names) else ""
    # Checkpoints of 2019 call the two tensors of a normalisation gamma and beta, as TensorFlow does.
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def name_of(name: str) -> str:
        for new, gamma in old.items():
            if (former := f"{prefix}{name.replace(new, gamma)}") in names:
                return former
        return f"{prefix}{name}"

    _fill(model, checkpoint, name_of, prefix, {_COUNTING, *BERT_HEADS})
    return LastHidden(model)


def esm(config: Path, checkpoint: Path, max_length: int) -> LastHidden:
    """Return an ESM-2 in float32; raise InputError where the files or the maximum length do not fit it."""
    model = EsmModel(_config(EsmConfig, config, max_length), add_pooling_layer=False)
    model.add_module("contact_head", nn.Identity())  # it predicts contacts from attention maps
    names = set(weights.read(checkpoint))
    prefix = "esm." if any(name.startswith("esm.") for name in names) else ""
    # transformers keeps the frequencies of the rotary positions once; checkpoints have them in each layer.
    once = "rotary_embeddings.inv_freq"
    layers = [f"encoder.layer.{n}.attention.self.{once}" for n in range(model.config.num_hidden_layers)]

    def name_of(name: str) -> str:
        inside = layers[0] if name == once and f"{prefix}{layers[0]}" in names else name
        return f"{prefix}{inside}"

    ignored = {_COUNTING, "embeddings.position_embeddings.weight", *layers, *ESM_HEADS}
    _fill(model, checkpoint, name_of, prefix, ignored)
    return LastHidden(model)


def _config(kind: type[_Config], path: Path, max_length: int) -> _Config:
    """Read a config.json; attention is PyTorch's own, which keeps no (tokens, tokens) matrix."""
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["model_type"] != kind.model_type:
            raise ValueError(f"model_type is {found['model_type']!r} instead of {kind.model_type!r}")
        config = kind.from_dict({**found, "attn_implementation": "sdpa"})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a config of {kind.model_type} ({error}); fetch it again") from error
    if max_length > config.max_position_embeddings:
        raise InputError(
            f"max_length: {max_length} is more than the {config.max_position_embeddings} positions in {path}"
            "; set less"
        )
    return config


def _fill(
    model: nn.Module, checkpoint: Path, name_of: Callable[[str], str], prefix: str, ignored: set[str]
) -> None:
    """Load a checkpoint that also has heads; the names of the model's own tensors may have a prefix."""
    weights.load(
        model, checkpoint, name_of=name_of, ignored={*ignored, *(f"{prefix}{name}" for name in ignored)}
    )
