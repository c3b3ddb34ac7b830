"""A MolFormer small enough for a test, with random weights, as the files on the hub."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from perturbkg.encoders._language_models.molformer import HEAD, MolFormer, checkpoint_name

SPECIAL = ("<bos>", "<eos>", "<pad>", "<mask>")
# As in the published vocabulary, atoms and bonds are between the special tokens and <unk>.
VOCABULARY = {
    token: number
    for number, token in enumerate((*SPECIAL, *"CcOoNnSsPF()=#123+-./\\[", "Cl", "[C@@H]", "<unk>"))
}
CONFIG = {
    "architectures": ["MolformerForMaskedLM"],
    "deterministic_eval": False,
    "feature_map_kernel": "relu",
    "hidden_act": "gelu",
    "hidden_size": 24,
    "intermediate_size": 40,
    "layer_norm_eps": 1e-12,
    "linear_attention_eps": 1e-6,
    "model_type": "molformer",
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "num_random_features": 5,
    "pad_token_id": 2,
    "vocab_size": len(VOCABULARY),
}


def model(seed: int = 0, **config: int) -> MolFormer:
    """Return a tiny model whose normalisations are not at their initial 1 and 0."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = MolFormer({**CONFIG, **config}).eval()
        for name, parameter in made.named_parameters():
            if "norm" in name:
                parameter.data += 0.3 * torch.randn_like(parameter)
    return made


def checkpoint(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return its checkpoint: the encoder under its published names, and the head."""
    tensors = {checkpoint_name(name): tensor for name, tensor in model(seed).state_dict().items()}
    return tensors | {name: torch.zeros(4) for name in HEAD}


def write(folder: Path, seed: int = 0) -> Path:
    """Write config.json, tokenizer.json and model.safetensors, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordLevel", "vocab": VOCABULARY}}))
    save_file(checkpoint(seed), folder / "model.safetensors", metadata={"format": "pt"})
    return folder
