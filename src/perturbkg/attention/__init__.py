"""Attention over incoming edges: three operations with autograd, and the backends that compute them.

A layer scores its edges by `dot` (keys and queries) and sums its sources' values by `attend`, or does both by
`convolve` (GAT's source and target terms, and a bias of the relation). Every backend gives the same to
rounding, and the same bits again on as many threads. Half-precision numbers are summed in single precision.
"""

import importlib.util
from functools import cache
from typing import Literal, NamedTuple

from torch import Tensor

from perturbkg.attention.backend import Backend, Scores
from perturbkg.attention.edges import Edges
from perturbkg.errors import InputError

__all__ = ["Edges", "attend", "choose", "convolve", "dot"]


class Needs(NamedTuple):
    """What a backend needs; it is imported when first used, and its package may not be installed."""

    package: str
    device: str | None = None  # the only type of device that it runs on; None: any


# The fastest first.
BACKENDS = {
    "fused": Needs("numba", "cpu"),
    "dgl": Needs("dgl", "cpu"),
    "triton": Needs("triton", "cuda"),
    "torch": Needs("torch"),
}
BackendName = Literal["auto", "fused", "dgl", "triton", "torch"]


def choose(backend: str, device: str) -> str:
    """Return the backend that computes on a type of device: the one asked for, or for `auto` the fastest.

    Raises InputError for an unknown one, and for one that is asked for and cannot run.
    """
    if backend == "auto":
        return next(name for name in BACKENDS if _missing(name, device) is None)
    if backend not in BACKENDS:
        raise InputError(
            f"backend: unknown attention backend {backend!r}; known are auto, {', '.join(BACKENDS)}"
        )
    if missing := _missing(backend, device):
        raise InputError(f"backend: attention backend {backend!r} {missing}; or use 'auto'")
    return backend


@cache
def _missing(backend: str, device: str) -> str | None:
    known = BACKENDS[backend]
    if known.device not in {None, device}:
        return f"runs on {known.device}, and the computation is on {device}"
    if importlib.util.find_spec(known.package) is None:
        return f"needs the package {known.package}, which is not installed: pip install {known.package}"
    try:
        _load(backend).check(device)
    except Exception as error:  # noqa: BLE001 - an old card, no compiler of C, versions that do not fit
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return f"does not work on {device} with the {known.package} that is installed: {reason}"
    return None


@cache
def _load(backend: str) -> Backend:
    # Import statements, not a table of names: the workflow follows them to know which code a job depends on.
    if backend == "fused":
        from perturbkg.attention.fused import Fused  # noqa: PLC0415

        return Fused()
    if backend == "dgl":
        from perturbkg.attention.dgl_ import DGL  # noqa: PLC0415

        return DGL()
    if backend == "triton":
        from perturbkg.attention.triton_ import Triton  # noqa: PLC0415

        return Triton()
    from perturbkg.attention.torch_ import Torch  # noqa: PLC0415

    return Torch()


def _of(backend: str, edges: Edges) -> Backend:
    return _load(choose(backend, edges.src.device.type))


def dot(edges: Edges, keys: Tensor, queries: Tensor, backend: str = "auto") -> Tensor:
    """Return the inner product of source key and target query of each edge: (edges, heads).

    `keys` is (sources, heads, width), `queries` (targets, heads, width).
    """
    heads, width = keys.shape[1:]
    _expect("keys", keys, (edges.sources, heads, width))
    _expect("queries", queries, (edges.targets, heads, width))
    return _of(backend, edges).dot(edges, keys, queries)


def attend(edges: Edges, logits: Tensor, values: Tensor, backend: str = "auto") -> Tensor:
    """Return for each target the mean of its sources' values, weighted by the softmax of its edges' logits.

    `logits` is (edges, heads), `values` (sources, width), or (sources, heads, width) for values of each head;
    the result (targets, heads, width). A target without an edge gets zeros.
    """
    heads = logits.shape[1]
    _expect("logits", logits, (len(edges), heads))
    _expect("values", values, (edges.sources, *([heads] if values.dim() == 3 else []), values.shape[-1]))
    return _of(backend, edges).attend(edges, logits, values)


def convolve(
    edges: Edges,
    source: Tensor,
    target: Tensor,
    values: Tensor,
    *,
    relation: Tensor | None = None,
    bias: Tensor | None = None,
    slope: float = 0.2,
    backend: str = "auto",
) -> Tensor:
    """Return GAT's convolution: `attend` by the logits leaky_relu(source's + target's + relation's score).

    `source` is (sources, heads), `target` (targets, heads), `values` (sources, heads, width), `relation`
    (edges,) of integers with `bias` (relations, heads), or neither; `slope` is that of the leaky ReLU. The
    result is (targets, heads, width). Source: Velickovic et al. 2018, arXiv:1710.10903.
    """
    heads, width = values.shape[1:]
    _expect("source", source, (edges.sources, heads))
    _expect("target", target, (edges.targets, heads))
    _expect("values", values, (edges.sources, heads, width))
    if (relation is None) != (bias is None):
        raise ValueError("relation and bias come together")
    if relation is not None and bias is not None:
        _expect("relation", relation, (len(edges),))
        _expect("bias", bias, (len(bias), heads))
        edges.expect_codes(relation, len(bias))
    return _of(backend, edges).convolve(edges, Scores(source, target, relation, bias, slope), values)


def _expect(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    # A kernel without bounds checks would read past the end.
    if tuple(tensor.shape) != shape:
        raise ValueError(f"{name}: shape {tuple(tensor.shape)} instead of {shape}")
