"""Where a language model runs, in which number format, and how much of it at once."""

import torch

from perturbkg.errors import InputError

#: Tokens of a batch, padding included. For a CPU the fastest of 512 to 8,192 that were measured
#: (benchmarks/embedding.py); a GPU halves its number if that needs more memory than it has.
TOKENS = {"cuda": 65_536, "cpu": 2_048}
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def choose(asked: str) -> torch.device:
    """Return the device for `auto`, `cuda` or `cpu`; auto takes CUDA where there is one, then the CPU."""
    if asked not in ("auto", "cuda", "cpu"):
        raise InputError(f"device: {asked!r} is not known; write auto, cuda or cpu")
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise InputError(
            f"device: cuda was asked for, but PyTorch {torch.__version__} finds none here; "
            "write auto or cpu, or install a build of PyTorch for CUDA"
        )
    return torch.device("cuda" if there and asked != "cpu" else "cpu")


def precision(asked: str, device: torch.device) -> torch.dtype:
    """Return the number format for `auto`, `float32` or `bfloat16`.

    auto is the fastest that was measured: bfloat16 on CUDA, and on a CPU that has instructions for it, where
    it took a third of the time of float32; elsewhere a CPU emulates it, slowly, so float32.
    """
    if asked == "auto":
        has = torch.cpu.get_capabilities()
        native = device.type == "cuda" or has.get("avx512_bf16", False) or has.get("amx_bf16", False)
        return torch.bfloat16 if native else torch.float32
    if asked not in _PRECISIONS:
        raise InputError(f"dtype: {asked!r} is not known; write auto, float32 or bfloat16")
    return _PRECISIONS[asked]
