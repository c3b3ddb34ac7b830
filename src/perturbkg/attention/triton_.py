"""Attention compiled by Triton for CUDA: no message of an edge is ever stored, and no weight of one is kept.

    attend:   out[t] = sum_e softmax_e(l_e) values[src_e], over the edges e with dst_e = t
    dot:      l_e = <keys[src_e], queries[dst_e]>
    convolve: attend by l_e = leaky_relu(source[src_e] + target[dst_e] + bias[relation_e])

Shapes are those of `perturbkg.attention`. Source: Velickovic et al. 2018, arXiv:1710.10903.

A program sums one row of edges: forward the incoming ones of a target, backward the outgoing ones of a
source. Each of its lanes takes every so many edges and keeps a running maximum, sum and weighted sum of its
own (online softmax); the lanes are joined once, at the end. A long row is split into segments of SEGMENT
edges, whose results are rows of the same kind and are joined by the same kernel. Nothing is added atomically,
and which edges meet in which order depends on the graph alone, so results are the same bits again.

Bytes of an edge in float32, for H heads of W numbers, without caches. A far row of values forward and one of
gradients backward: 8 H W. The nodes and places: 20, and 4 more with relations. The scores, maxima, sums and
centres of far nodes: 20 H, from arrays small enough for a cache. The gradient of the edge's score: 8 H,
written and read, and 4 H more with relations. Only the first is large. The backward pass recomputes the
weights from maximum and sum: keeping them would write and read 8 H, and take 4 H of memory, to save 8 H of
a cache.
(One number, the log-sum-exp, would not do: of a logit of 10,000 float32 keeps three decimals.)

Source: Milakov and Gimelshein 2018, arXiv:1805.02867 (online softmax); Dao et al. 2022, arXiv:2205.14135.
"""

from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable

from perturbkg.attention import triton_kernels as kernels
from perturbkg.attention.backend import Scores
from perturbkg.attention.edges import Edges, Rows
from perturbkg.attention.torch_ import Torch, single

SEGMENT = 512  # edges that one program sums
# A program is one warp, so no synchronisation is needed; this many numbers of far rows fit its registers.
TILE = 1024
LANES = 64  # most edges that it reads at once


class Triton(Torch):
    """Kernels of `perturbkg.attention.triton_kernels`; double precision is left to plain torch."""

    def dot(self, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        """Multiply the ends, a tile of edges at a time."""
        if keys.dtype == torch.float64:
            return super().dot(edges, keys, queries)
        return _Dot.apply(edges, keys, queries)

    def attend(self, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        """Weigh by the given logits, with one online softmax for each target."""
        if values.dtype == torch.float64:
            return super().attend(edges, logits, values)
        if values.dim() == 2:
            values = values.unsqueeze(1).expand(-1, logits.shape[1], -1)
        return _Attend.apply(edges, single(logits), None, None, values, None, None, 1.0)

    def convolve(self, edges: Edges, scores: Scores, values: Tensor) -> Tensor:
        """Compute the logits from the ends' scores in both passes; none is stored."""
        if values.dtype == torch.float64:
            return super().convolve(edges, scores, values)
        ends = single(scores.source), single(scores.target)
        bias = None if scores.bias is None else single(scores.bias)
        return _Attend.apply(edges, None, *ends, values, scores.relation, bias, scores.slope)

    @torch.enable_grad()  # it is asked for while predicting, too
    def check(self, device: str) -> None:
        """Compile and run everything on one node whose values are 1: means are 1 too, and gradients add up.

        Raises whatever Triton raises where it cannot run, and ArithmeticError for a wrong result.
        """
        end = torch.zeros(SEGMENT + 1, dtype=torch.int64, device=device)
        score = torch.zeros(1, 4, device=device, requires_grad=True)
        row = torch.ones(1, 4, 32, device=device, requires_grad=True)
        edges = Edges(end, end, 1, 1)
        found = self.convolve(edges, Scores(score, score, end, score, slope=0.5), row)
        found = found + self.attend(edges, self.dot(edges, row, row), row)
        (slope,) = torch.autograd.grad(found.sum(), row)
        # Read here: what failed in a kernel is raised when its result is waited for.
        for what, tensor in (("mean", found.detach() / 2), ("gradient", slope / 2)):
            if (error := float((tensor - 1).abs().max())) > 1e-4:
                raise ArithmeticError(f"a {what} of ones is off by {error:.1g}")


@dataclass(frozen=True)
class _Plan:
    """Which program sums what. An item is (row, place of the result, first edge, past the last), int64.

    Results of segments have places after those of the rows.
    """

    items: Tensor  # (programs, 4): segments, then whole rows
    split: Tensor  # (split rows, 4): each row over its segments, as if they were edges
    slots: Tensor  # (segments,): their places, in order
    size: int  # rows and segments

    @staticmethod
    def of(rows: Rows) -> "_Plan":
        start, stop = rows.start[:-1], rows.start[1:]
        count, segments = len(start), (stop - start + SEGMENT - 1) // SEGMENT
        (whole,), (long,) = ((segments <= 1).nonzero(as_tuple=True), (segments > 1).nonzero(as_tuple=True))
        past = segments[long].cumsum(0)
        first = past - segments[long]
        row = long.repeat_interleave(segments[long])
        number = torch.arange(len(row), device=start.device)
        begin = start[row] + SEGMENT * (number - first.repeat_interleave(segments[long]))
        pieces = torch.stack([row, count + number, begin, (begin + SEGMENT).minimum(stop[row])], dim=1)
        items = torch.cat([pieces, torch.stack([whole, whole, start[whole], stop[whole]], dim=1)])
        return _Plan(items, torch.stack([long, long, first, past], dim=1), count + number, count + len(row))


def _sorted(edges: Edges, end: str) -> tuple[Rows, _Plan]:
    """Return the edges by target or by source and the plan of their programs; cached with the edges."""
    key = "triton", end
    if key not in edges.kept:
        rows = edges.by_target if end == "target" else edges.by_source
        edges.kept[key] = rows, _Plan.of(rows)
    return edges.kept[key]


def _by_relation(edges: Edges, relation: Tensor, relations: int) -> tuple[Rows, _Plan]:
    """Return the edges by relation and their plan; cached for the last tensor of relations."""
    key = "triton", "relation", relations
    known = edges.kept.get(key)
    if known is None or known[0] is not relation:
        codes = relation.long()
        rows = Edges(codes, codes, relations, relations).by_source
        edges.kept[key] = known = (relation, rows, _Plan.of(rows))
    return known[1], known[2]


def _tile(heads: int, width: int) -> tuple[int, dict[str, int]]:
    """Return how many adjacent programs share an edge's row, and how much each reads at once."""
    across = triton.next_power_of_2(max(width, 1))
    some = min(triton.next_power_of_2(max(heads, 1)), max(TILE // across, 1))
    lanes = min(max(TILE // (some * across), 1), LANES)
    return triton.cdiv(heads, some), {"LANES": lanes, "HEADS": some, "WIDTH": across}


def _run(
    kernel: Any, programs: int, across: int, near: Tensor, *arguments: Any, tile: dict[str, int]
) -> None:
    if programs and across:
        with torch.cuda.device_of(near):
            kernel[programs, across](near, *arguments, **tile, num_warps=1)


def _sum(rows: Rows, plan: _Plan, numbers: Tensor) -> Tensor:
    """Sum numbers (edges, columns) over each row: (rows, columns)."""
    found = numbers.new_empty(plan.size, numbers.shape[1])
    _sum_items(plan.items, rows.place, numbers, found)
    return _join(plan, found)[: len(rows.start) - 1]


def _join(plan: _Plan, found: Tensor) -> Tensor:
    """Add the segments of the rows that were split, in place."""
    _sum_items(plan.split, plan.slots, found, found)
    return found


def _sum_items(items: Tensor, place: Tensor, numbers: Tensor, found: Tensor) -> None:
    columns = found[0].numel() if len(found) else 0
    across, tile = _tile(columns, 1)
    arrays = items, place, numbers, found, columns
    _run(kernels.sum_rows, len(items), across, *arrays, tile=tile)


class _Attend(torch.autograd.Function):
    """`attend` where there are logits, else `convolve`."""

    @staticmethod
    def forward(  # noqa: PLR0917
        ctx: Any,
        edges: Edges,
        logits: Tensor | None,
        source: Tensor | None,
        target: Tensor | None,
        values: Tensor,
        relation: Tensor | None,
        bias: Tensor | None,
        slope: float,
    ) -> Tensor:
        heads, width = values.shape[1:]
        if values.stride(2) != 1:
            values = values.contiguous()
        scored = [
            None if tensor is None else tensor.contiguous()
            for tensor in (logits, source, target, relation, bias)
        ]
        rows, plan = _sorted(edges, "target")
        if any(ctx.needs_input_grad):
            _sorted(edges, "source")  # before anything large is in memory
        found = values.new_empty(plan.size, heads, width, dtype=torch.float32)
        highest, mass = found.new_empty(2, plan.size, heads)
        across, tile = _tile(heads, width)
        results = found, highest, mass, heads, width
        near = rows.other, rows.place, *scored, slope, None
        far = values, values.stride(0), values.stride(1)
        _run(kernels.attend_rows, len(plan.items), across, plan.items, *near, *far, *results, tile=tile)
        parts = plan.slots, plan.slots, highest, None, None, None, None, slope, mass
        far = found, found.stride(0), found.stride(1)
        _run(kernels.attend_rows, len(plan.split), across, plan.split, *parts, *far, *results, tile=tile)
        found, highest, mass = (tensor[: edges.targets] for tensor in (found, highest, mass))
        ctx.edges, ctx.slope, ctx.relation = edges, slope, relation
        ctx.save_for_backward(*scored, values, found, highest, mass)
        return found.to(values.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        *scored, values, found, highest, mass = ctx.saved_tensors
        _, source, _, _, bias = scored
        edges, (heads, width) = ctx.edges, values.shape[1:]
        grad = grad.contiguous()
        centre = (grad * found).sum(dim=-1)
        rows, plan = _sorted(edges, "source")
        to_logits = found.new_empty(len(edges), heads)
        to_values = found.new_empty(plan.size, heads, width)
        to_source = None if source is None else found.new_empty(plan.size, heads)
        across, tile = _tile(heads, width)
        graph = plan.items, rows.other, rows.place
        near = values, values.stride(0), values.stride(1)
        results = to_logits, to_source, to_values, heads, width
        arrays = (*scored, ctx.slope, *near, grad, centre, highest, mass, *results)
        _run(kernels.attend_backward, len(plan.items), across, *graph, *arrays, tile=tile)
        to_values = _join(plan, to_values)[: edges.sources].to(values.dtype)
        if to_source is None:
            return None, to_logits, None, None, to_values, None, None, None
        to_source = _join(plan, to_source)[: edges.sources]
        to_target = _sum(*_sorted(edges, "target"), to_logits)
        to_bias = None
        if bias is not None:
            to_bias = _sum(*_by_relation(edges, ctx.relation, len(bias)), to_logits)
        return None, None, to_source, to_target, to_values, None, to_bias, None


class _Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        keys, queries = keys.contiguous(), queries.contiguous()
        heads, width = keys.shape[1:]
        ctx.edges = edges
        ctx.save_for_backward(keys, queries)
        found = keys.new_empty(len(edges), heads, dtype=torch.float32)
        across, tile = _tile(heads, width)
        programs = triton.cdiv(len(edges), tile["LANES"])
        arrays = edges.src, edges.dst, keys, queries, found, len(edges), heads, width
        _run(kernels.dot_edges, programs, across, *arrays, tile=tile)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        keys, queries = ctx.saved_tensors
        grad = grad.contiguous()
        found = [
            _weighted_sum(*_sorted(ctx.edges, end), grad, others) if wanted else None
            for end, others, wanted in zip(
                ("source", "target"), (queries, keys), ctx.needs_input_grad[1:], strict=True
            )
        ]
        return None, *found


def _weighted_sum(rows: Rows, plan: _Plan, weights: Tensor, others: Tensor) -> Tensor:
    """Sum others (nodes, heads, width), weighted by (edges, heads), over each row, in the others' type."""
    heads, width = others.shape[1:]
    found = others.new_empty(plan.size, heads, width, dtype=torch.float32)
    across, tile = _tile(heads, width)
    arrays = plan.items, rows.other, rows.place, weights, others, found, heads, width
    _run(kernels.weigh_rows, len(plan.items), across, *arrays, tile=tile)
    return _join(plan, found)[: len(rows.start) - 1].to(others.dtype)
