"""Attention compiled by Numba for the CPU: no message of an edge is ever stored, only its weight.

    attend:   out[t] = sum_e softmax_e(l_e) values[src_e], over the edges e with dst_e = t
    dot:      l_e = <keys[src_e], queries[dst_e]>
    convolve: attend by l_e = leaky_relu(source[src_e] + target[dst_e] + bias[relation_e])

Shapes are those of `perturbkg.attention`. Source: Velickovic et al. 2018, arXiv:1710.10903.

Forward runs over the incoming edges of each target, backward over the outgoing edges of each source. A row is
summed by one thread in the order of its edges, so results do not depend on the number of threads.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.autograd.graph import increment_version

from perturbkg.attention import kernels
from perturbkg.attention.backend import Scores
from perturbkg.attention.edges import Edges, Rows
from perturbkg.attention.torch_ import Torch, single

PIECES = 32  # of the rows; a constant, since the sums over relations are added piece by piece
SMALL = 4096  # below so many edges threads cost more than they save
RELATION = torch.int16  # as in Graph; kernels are compiled for each type of their arrays


class Fused(Torch):
    """Kernels of `perturbkg.attention.kernels`, which store no message of an edge."""

    def dot(self, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        """Multiply the ends in one pass over the edges."""
        return _Dot.apply(edges, single(keys), single(queries))

    def attend(self, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        """Keep the weights of the edges, and sum their sources' values by them."""
        wide = single(values if values.dim() == 3 else values.unsqueeze(1))
        return _Attend.apply(edges, single(logits), wide).to(values.dtype)

    def convolve(self, edges: Edges, scores: Scores, values: Tensor) -> Tensor:
        """Compute the weights from the ends' scores; no logit of an edge is stored."""
        wide = single(values)
        relation, bias = scores.relation, scores.bias
        if relation is None or bias is None:
            relation, bias = edges.src.new_empty(0, dtype=RELATION), wide.new_empty(0, wide.shape[1])
        ends = single(scores.source), single(scores.target)
        return _Convolve.apply(edges, *ends, wide, relation, bias, scores.slope).to(values.dtype)


def weighted_sum(rows: Rows, weights: Tensor, values: Tensor) -> Tensor:
    """Return each row's sum of weights (edges,) times values (nodes, width) over its edges; no gradient."""
    found = values.new_empty(len(rows.start) - 1, 1, values.shape[1])
    _run(kernels.weighted_sum, rows, weights.unsqueeze(1), values.unsqueeze(1), found)
    return found.squeeze(1)


def _run(kernel: Callable[..., None], rows: Rows, *arguments: Any) -> None:
    """Call a kernel on pieces of about as many edges and rows each, on the threads that torch may use."""
    start = rows.start.numpy()
    arrays = [item.detach().numpy() if isinstance(item, Tensor) else item for item in arguments]
    count = len(start) - 1
    work = start + np.arange(count + 1)
    bounds = np.searchsorted(work, np.linspace(0, work[-1], PIECES + 1)).tolist()
    pieces = list(enumerate(itertools.pairwise(bounds)))
    graph = (start, rows.other.numpy(), rows.place.numpy())

    def call(piece: tuple[int, tuple[int, int]]) -> None:
        number, (first, last) = piece
        kernel(number, first, last, *graph, *arrays)

    threads = torch.get_num_threads()
    if threads == 1 or len(rows.other) < SMALL:
        for piece in pieces:
            call(piece)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(call, pieces))


def _contiguous(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.contiguous() for tensor in tensors)


class _Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        keys, queries = _contiguous(keys, queries)
        ctx.edges = edges
        ctx.save_for_backward(keys, queries)
        found = keys.new_empty(len(edges), keys.shape[1])
        _run(kernels.dot, edges.by_target, queries, keys, found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        keys, queries = ctx.saved_tensors
        (grad,) = _contiguous(grad)
        edges = ctx.edges
        to_keys, to_queries = torch.empty_like(keys), torch.empty_like(queries)
        if ctx.needs_input_grad[1]:
            _run(kernels.weighted_sum, edges.by_source, grad, queries, to_keys)
        if ctx.needs_input_grad[2]:
            _run(kernels.weighted_sum, edges.by_target, grad, keys, to_queries)
        return None, to_keys, to_queries


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917
        ctx: Any,
        edges: Edges,
        source: Tensor,
        target: Tensor,
        values: Tensor,
        relation: Tensor,
        bias: Tensor,
        slope: float,
    ) -> Tensor:
        scored = _contiguous(source, target, relation, bias)
        (values,) = _contiguous(values)
        if any(ctx.needs_input_grad):
            _ = edges.by_source  # sorted before anything large is in memory
        weights = values.new_empty(len(edges), values.shape[1])
        found = values.new_empty(edges.targets, *values.shape[1:])
        _run(kernels.softmax_of_scores, edges.by_target, *scored, slope, weights)
        _run(kernels.weighted_sum, edges.by_target, weights, values, found)
        ctx.edges, ctx.slope = edges, slope
        ctx.save_for_backward(*scored, values, weights, found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        source, target, relation, bias, values, weights, found = ctx.saved_tensors
        (grad,) = _contiguous(grad)
        edges, scored = ctx.edges, (source, target, relation, bias)
        centre = torch.einsum("thw,thw->th", grad, found)
        to_values, to_source, to_target = (torch.empty_like(tensor) for tensor in (values, source, target))
        of_pieces = grad.new_zeros(PIECES, *bias.shape, dtype=torch.float64)
        # Written over the weights: the largest array there is. A second backward is an error from here on.
        increment_version(weights)
        arrays = (weights, values, grad, centre, to_values, *scored, ctx.slope, to_source)
        _run(kernels.attend_backward, edges.by_source, *arrays)
        _run(kernels.sum_rows, edges.by_target, weights, relation, to_target, of_pieces)
        to_bias = of_pieces.sum(dim=0).to(bias.dtype)
        return None, to_source, to_target, to_values, None, to_bias, None


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        logits, values = _contiguous(logits, values)
        weights = torch.empty_like(logits)
        _run(kernels.softmax, edges.by_target, logits, weights)
        found = values.new_empty(edges.targets, logits.shape[1], values.shape[2])
        _run(kernels.weighted_sum, edges.by_target, weights, values, found)
        ctx.edges = edges
        ctx.save_for_backward(weights, values, found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weights, values, found = ctx.saved_tensors
        (grad,) = _contiguous(grad)
        centre = torch.einsum("thw,thw->th", grad, found)
        to_values = torch.empty_like(values)
        # Written over the weights: the largest array there is. A second backward is an error from here on.
        increment_version(weights)
        none = values.new_empty(0, values.shape[1])
        unscored = (none, none, ctx.edges.src.new_empty(0, dtype=RELATION), none, 1.0, none)
        _run(
            kernels.attend_backward, ctx.edges.by_source, weights, values, grad, centre, to_values, *unscored
        )
        return None, weights, to_values
