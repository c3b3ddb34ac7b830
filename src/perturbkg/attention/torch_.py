"""Attention on plain torch: on any device, with nothing else; it stores the message of each edge.

    attend:   out[t] = sum_e softmax_e(l_e) values[src_e], over the edges e with dst_e = t
    dot:      l_e = <keys[src_e], queries[dst_e]>
    convolve: attend by l_e = leaky_relu(source[src_e] + target[dst_e] + bias[relation_e])

`values` is (sources, heads, width), `l` (edges, heads). Source: Velickovic et al. 2018, arXiv:1710.10903.
"""

from typing import Any

import torch
from torch import Tensor

from perturbkg.attention.backend import Backend, Scores
from perturbkg.attention.edges import Edges


class Torch(Backend):
    """Gather, softmax by index and sum by index, in torch's own operations."""

    def dot(self, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        """Multiply the gathered ends."""
        return (take(single(keys), edges.src) * take(single(queries), edges.dst)).sum(dim=-1)

    def attend(self, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        """Sum exp(logit - highest) * value and exp(logit - highest), and divide."""
        logits, kind, values = single(logits), values.dtype, single(values)
        rows = edges.dst.long().unsqueeze(1).expand_as(logits)
        highest = logits.new_full((edges.targets, logits.shape[1]), -torch.inf)
        highest = highest.scatter_reduce(0, rows, logits.detach(), "amax")
        share = (logits - highest.index_select(0, edges.dst)).exp()
        total = _Sum.apply(share, edges.dst, edges.targets)
        messages = take(values if values.dim() == 3 else values.unsqueeze(1), edges.src) * share.unsqueeze(-1)
        # Only a target without an edge has a total of 0; it keeps its zeros.
        total = total.masked_fill(total == 0, 1)
        return (_Sum.apply(messages, edges.dst, edges.targets) / total.unsqueeze(-1)).to(kind)

    def add_ends(self, edges: Edges, scores: Scores) -> Tensor:
        """Add the gathered ends, and the bias where there is one."""
        found = take(single(scores.source), edges.src) + take(single(scores.target), edges.dst)
        return found if scores.bias is None else found + relation_bias(scores)


def relation_bias(scores: Scores) -> Tensor:
    """Return the bias of each edge's relation: (edges, heads)."""
    assert scores.bias is not None and scores.relation is not None
    return take(scores.bias, scores.relation.long())


def single(tensor: Tensor) -> Tensor:
    """Return half-precision numbers, as mixed precision makes them, in single precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def take(rows: Tensor, index: Tensor) -> Tensor:
    """Return rows[index], whose gradient is summed in a fixed order; indexing's is not on several threads."""
    return _Take.apply(rows, index)


class _Take(torch.autograd.Function):
    """What `take` computes."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.index, ctx.count = index, len(rows)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _sum(grads[0], ctx.index, ctx.count), None


class _Sum(torch.autograd.Function):
    """Sums of the rows that share an index."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, count: int) -> Tensor:
        ctx.index = index
        return _sum(rows, index, count)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0].index_select(0, ctx.index), None, None


def _sum(rows: Tensor, index: Tensor, count: int) -> Tensor:
    total = rows.new_zeros(count, *rows.shape[1:])
    # On CUDA `index_add_` adds in any order, `index_put_` sorts first; on the CPU it is the other way round.
    if rows.device.type == "cuda":
        return total.index_put_((index.long(),), rows, accumulate=True)
    return total.index_add_(0, index, rows)
