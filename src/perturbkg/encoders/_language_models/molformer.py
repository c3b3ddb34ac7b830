"""MoLFormer-XL, the language model of SMILES: reads token ids, makes one vector for each token.

Ross et al. 2022, doi:10.1038/s42256-022-00580-7: a transformer encoder whose attention is linear in the
number of tokens (Katharopoulos et al. 2020, arXiv:2006.16236), over rotary positions (Su et al. 2021,
arXiv:2104.09864) and random features of a generalised kernel (Choromanski et al. 2021, arXiv:2009.14794).
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu

from perturbkg.encoders._language_models import weights
from perturbkg.errors import InputError

# Tensor of a layer here -> in the published checkpoint, whose names are those of its masked language model.
_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "features": "attention.self.feature_map.weight",
    "attended": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}
#: Tensors of the checkpoint that only its language-model head has, which an encoder does not need.
HEAD = frozenset(
    {
        "lm_head.transform.dense.weight",
        "lm_head.transform.dense.bias",
        "lm_head.transform.LayerNorm.weight",
        "lm_head.transform.LayerNorm.bias",
        "lm_head.decoder.weight",
    }
)
# What is written below, rather than looked up; a checkpoint that wants another is refused.
_FIXED = {"hidden_act": "gelu", "feature_map_kernel": "relu"}


def checkpoint_name(name: str) -> str:
    """Return the name that a tensor of `MolFormer` has in the published checkpoint."""
    part, _, rest = name.partition(".")
    if part == "layers":
        number, within, *last = rest.split(".")
        return ".".join(["molformer.encoder.layer", number, _LAYER[within], *last])
    return {"embedding": "molformer.embeddings.word_embeddings", "norm": "molformer.LayerNorm"}[
        part
    ] + f".{rest}"


def molformer(config: Path, checkpoint: Path) -> "MolFormer":
    """Return a MolFormer in float32 from its config.json and weights; raise InputError if they do not fit."""
    try:
        model = MolFormer(json.loads(config.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise InputError(f"{config}: not the config of a MolFormer ({error}); fetch it again") from error
    except InputError as error:
        raise InputError(f"{config}: {error}") from error
    weights.load(model, checkpoint, name_of=checkpoint_name, ignored=HEAD)
    return model.eval()


class MolFormer(nn.Module):
    """The encoder of MoLFormer, for inference: there is no dropout, and the random features stay as they are.

    The published code redraws the features at each pass unless `deterministic_eval` is set, and then keeps
    those of the checkpoint. Here they are always kept, so that equal SMILES give equal vectors.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Make it with random weights from a `config.json` of the hub, read."""
        super().__init__()
        for key, value in _FIXED.items():
            if config.get(key, value) != value:
                raise InputError(f"{key} is {config[key]!r}, but MoLFormer here has {value!r} only")
        try:
            width, layers = config["hidden_size"], config["num_hidden_layers"]
            self.heads = config["num_attention_heads"]
            self.embedding = nn.Embedding(config["vocab_size"], width)
            self.layers = nn.ModuleList(_Layer(config) for _ in range(layers))
            self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        except KeyError as error:
            raise InputError(f"{error} is missing; fetch the model's own config.json") from error

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the last hidden states, (batch, tokens, width).

        Both arguments are (batch, tokens); the mask is 1 for tokens and 0 for padding, whose own rows of the
        answer mean nothing.
        """
        hidden = self.embedding(input_ids)  # (batch, tokens, width)
        cos, sin = _rotation(hidden.shape[1], hidden.shape[2] // self.heads, hidden)
        keep = attention_mask[:, None, :, None].to(hidden.dtype)  # (batch, 1, tokens, 1)
        for layer in self.layers:
            hidden = layer(hidden, cos, sin, keep)
        return self.norm(hidden)


class _Layer(nn.Module):
    """Linear attention, then two dense layers; each is added to its input, then normalised (post-norm)."""

    features: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, wide, eps = config["hidden_size"], config["intermediate_size"], config["layer_norm_eps"]
        self.heads, self.least = config["num_attention_heads"], config["linear_attention_eps"]
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.register_buffer("features", _random_features(width // self.heads, config["num_random_features"]))
        self.attended = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.widen, self.narrow = nn.Linear(width, wide), nn.Linear(wide, width)
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, keep: Tensor) -> Tensor:
        """Return (batch, tokens, width) from the same."""
        query = relu(_rotated(self._by_head(self.query(hidden)), cos, sin) @ self.features)
        key = relu(_rotated(self._by_head(self.key(hidden)), cos, sin) @ self.features) * keep
        value = self._by_head(
            self.value(hidden)
        )  # (batch, heads, tokens, head); keys: (..., tokens, features)
        sums = key.transpose(-1, -2) @ value  # (batch, heads, features, head), of every token but padding
        weights = query @ key.sum(dim=-2).unsqueeze(-1)  # (batch, heads, tokens, 1)
        attended = (query @ sums) / weights.clamp(min=self.least)
        hidden = self.attention_norm(hidden + self.attended(attended.transpose(1, 2).flatten(2)))
        return self.norm(hidden + self.narrow(gelu(self.widen(hidden))))

    def _by_head(self, states: Tensor) -> Tensor:
        """Return (batch, heads, tokens, head) from (batch, tokens, width)."""
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _rotation(tokens: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine, (tokens, width / 2) each, of the angles position * 10000^(-2 i / width)."""
    pairs = torch.arange(0, width, 2, device=like.device, dtype=torch.float32)
    positions = torch.arange(tokens, device=like.device, dtype=torch.float32)
    angles = torch.outer(positions, 10000 ** (-pairs / width))
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the plane of each column i and i + head / 2 of (..., tokens, head) by its angle."""
    one, other = states.chunk(2, dim=-1)
    return torch.cat((one * cos - other * sin, other * cos + one * sin), dim=-1)


def _random_features(width: int, count: int) -> Tensor:
    """Draw (width, count) directions, orthogonal within blocks of `width`, as long as normal vectors are."""
    blocks = []
    for _ in range(math.ceil(count / width)):
        normal = torch.randn(width, width)
        blocks.append(torch.linalg.qr(normal).Q * normal.norm(dim=1))
    return torch.cat(blocks, dim=1)[:, :count].contiguous()
