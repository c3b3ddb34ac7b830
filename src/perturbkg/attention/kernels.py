"""The loops of the fused backend: each takes some rows of sorted edges and writes what belongs to them.

All begin with (piece, first row, last row, start, other, place): see `perturbkg.attention.edges.Rows`. Edges
are taken four at a time: four far rows are on their way from memory together, and the near one is read and
written once for all of them. What is missing of the last four repeats the row's last edge, with weight zero.
Sums over a row are taken in double precision, or block by block: a hub may have a hundred thousand edges.
"""
# ruff: noqa: PLR0917, PLR0915 - a compiled function takes its arrays one by one, and its loop is one piece

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from perturbkg.attention.prefetch import fetch

AHEAD = 8  # edges between the one that is summed and the one that is fetched
BLOCK = 64  # edges whose sum is taken in single precision

# Sums may be reordered to use the vector unit; infinities stay what they are.
FAST = {"reassoc", "contract", "arcp", "nsz"}


def _compiled(function: Callable[..., None]) -> Any:
    """Compile when first called, and keep the machine code for the next process."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)(function)
    except RuntimeError:  # neither the package's folder nor the home folder can be written
        return numba.njit(nogil=True, error_model="numpy", fastmath=FAST)(function)


@_compiled
def dot(piece, first, last, start, other, place, own, others, found):  # type: ignore[no-untyped-def]
    """found[edge, head] = <own[row, head], others[other, head]>."""
    heads, width = own.shape[1:]
    for row in range(first, last):
        end = start[row + 1]
        for edge in range(start[row], end, 4):
            e1, e2, e3 = min(edge + 1, end - 1), min(edge + 2, end - 1), min(edge + 3, end - 1)
            f0, f1, f2, f3 = other[edge], other[e1], other[e2], other[e3]
            for soon in range(edge + AHEAD, min(edge + AHEAD + 4, start[last])):
                fetch(others, other[soon])
            for head in range(heads):
                s0 = s1 = s2 = s3 = own.dtype.type(0)
                for k in range(width):
                    near = own[row, head, k]
                    s0 += near * others[f0, head, k]
                    s1 += near * others[f1, head, k]
                    s2 += near * others[f2, head, k]
                    s3 += near * others[f3, head, k]
                found[place[edge], head] = s0
                found[place[e1], head] = s1
                found[place[e2], head] = s2
                found[place[e3], head] = s3


@_compiled
def weighted_sum(piece, first, last, start, other, place, weights, others, found):  # type: ignore[no-untyped-def]
    """found[row, head] = sum over its edges of weights[edge, head] * others[other, head]."""
    heads, width = found.shape[1:]
    shared = others.shape[1] == 1
    none = weights.dtype.type(0)
    part, total = np.empty((heads, width), found.dtype), np.empty((heads, width), np.float64)
    for row in range(first, last):
        total[:] = 0
        for block in range(start[row], start[row + 1], BLOCK):
            part[:] = 0
            end = min(block + BLOCK, start[row + 1])
            for edge in range(block, end, 4):
                e1, e2, e3 = min(edge + 1, end - 1), min(edge + 2, end - 1), min(edge + 3, end - 1)
                f0, f1, f2, f3 = other[edge], other[e1], other[e2], other[e3]
                for soon in range(edge + AHEAD, min(edge + AHEAD + 4, start[last])):
                    fetch(others, other[soon])
                    fetch(weights, place[soon])
                for head in range(heads):
                    far = 0 if shared else head
                    w0 = weights[place[edge], head]
                    w1 = weights[place[e1], head] if edge + 1 < end else none
                    w2 = weights[place[e2], head] if edge + 2 < end else none
                    w3 = weights[place[e3], head] if edge + 3 < end else none
                    for k in range(width):
                        part[head, k] += (
                            w0 * others[f0, far, k]
                            + w1 * others[f1, far, k]
                            + w2 * others[f2, far, k]
                            + w3 * others[f3, far, k]
                        )
            total += part
        found[row] = total


@_compiled
def softmax(piece, first, last, start, other, place, logits, found):  # type: ignore[no-untyped-def]
    """found[edge, head] = softmax of the logits over the edges of a row."""
    heads = logits.shape[1]
    highest, total = np.empty(heads, logits.dtype), np.empty(heads, np.float64)
    for row in range(first, last):
        highest[:] = -np.inf
        total[:] = 0
        for edge in range(start[row], start[row + 1]):
            for head in range(heads):
                highest[head] = max(highest[head], logits[place[edge], head])
        for edge in range(start[row], start[row + 1]):
            for head in range(heads):
                share = math.exp(logits[place[edge], head] - highest[head])
                found[place[edge], head] = share
                total[head] += share
        total[:] = 1 / total  # infinite without an edge, and not used then
        for edge in range(start[row], start[row + 1]):
            for head in range(heads):
                found[place[edge], head] *= total[head]


@_compiled
def softmax_of_scores(  # type: ignore[no-untyped-def]
    piece, first, last, start, other, place, source, target, relation, bias, slope, found
):
    """found[edge, head] = softmax over the edges of a row of leaky ReLU(source + target + bias, if any)."""
    slope = source.dtype.type(slope)
    none = source.dtype.type(0)
    heads, biased = source.shape[1], len(bias) > 0
    highest, total = np.empty(heads, source.dtype), np.empty(heads, np.float64)
    for row in range(first, last):
        highest[:] = -np.inf
        total[:] = 0
        for edge in range(start[row], start[row + 1]):
            far, at = other[edge], place[edge]
            kind = relation[at] if biased else 0
            for head in range(heads):
                score = source[far, head] + target[row, head] + (bias[kind, head] if biased else none)
                score = max(score, none) + slope * min(score, none)
                found[at, head] = score
                highest[head] = max(highest[head], score)
        for edge in range(start[row], start[row + 1]):
            for head in range(heads):
                share = math.exp(found[place[edge], head] - highest[head])
                found[place[edge], head] = share
                total[head] += share
        total[:] = 1 / total  # infinite without an edge, and not used then
        for edge in range(start[row], start[row + 1]):
            for head in range(heads):
                found[place[edge], head] *= total[head]


@_compiled
def attend_backward(  # type: ignore[no-untyped-def]
    piece,
    first,
    last,
    start,
    other,
    place,
    weights,
    values,
    grad,
    centre,
    to_values,
    source,
    target,
    relation,
    bias,
    slope,
    to_source,
):
    """Gradients of `attend`; rows are sources, so that one reading of grad[other] serves both.

    That of the logits takes the place of the weights. `centre` (targets, heads) is the mean of the gradient
    of the weights: <grad, result>. Where `source` is not empty, logits are those of `softmax_of_scores`: the
    gradient before its leaky ReLU takes the place of the weights, and to_source[row] is its sum.
    """
    heads, width = grad.shape[1:]
    shared = values.shape[1] == 1
    scored, biased = len(source) > 0, len(bias) > 0
    none, one = weights.dtype.type(0), weights.dtype.type(1)
    slope = weights.dtype.type(slope)
    part, total = np.empty(values.shape[1:], values.dtype), np.empty(values.shape[1:], np.float64)
    of_source = np.empty(heads, np.float64)
    for row in range(first, last):
        total[:] = 0
        of_source[:] = 0
        for block in range(start[row], start[row + 1], BLOCK):
            part[:] = 0
            end = min(block + BLOCK, start[row + 1])
            for edge in range(block, end, 4):
                e1, e2, e3 = min(edge + 1, end - 1), min(edge + 2, end - 1), min(edge + 3, end - 1)
                f0, f1, f2, f3 = other[edge], other[e1], other[e2], other[e3]
                p0, p1, p2, p3 = place[edge], place[e1], place[e2], place[e3]
                for soon in range(edge + AHEAD, min(edge + AHEAD + 4, start[last])):
                    fetch(grad, other[soon])
                    fetch(centre, other[soon])
                    fetch(weights, place[soon])
                for head in range(heads):
                    near = 0 if shared else head
                    w0 = weights[p0, head]
                    w1 = weights[p1, head] if edge + 1 < end else none
                    w2 = weights[p2, head] if edge + 2 < end else none
                    w3 = weights[p3, head] if edge + 3 < end else none
                    s0 = s1 = s2 = s3 = none
                    for k in range(width):
                        value = values[row, near, k]
                        g0, g1 = grad[f0, head, k], grad[f1, head, k]
                        g2, g3 = grad[f2, head, k], grad[f3, head, k]
                        s0 += value * g0
                        s1 += value * g1
                        s2 += value * g2
                        s3 += value * g3
                        part[near, k] += w0 * g0 + w1 * g1 + w2 * g2 + w3 * g3
                    s0 = w0 * (s0 - centre[f0, head])
                    s1 = w1 * (s1 - centre[f1, head])
                    s2 = w2 * (s2 - centre[f2, head])
                    s3 = w3 * (s3 - centre[f3, head])
                    if scored:
                        own = source[row, head]
                        b0 = b1 = b2 = b3 = none
                        if biased:
                            b0, b1 = bias[relation[p0], head], bias[relation[p1], head]
                            b2, b3 = bias[relation[p2], head], bias[relation[p3], head]
                        s0 *= one if own + target[f0, head] + b0 > 0 else slope
                        s1 *= one if own + target[f1, head] + b1 > 0 else slope
                        s2 *= one if own + target[f2, head] + b2 > 0 else slope
                        s3 *= one if own + target[f3, head] + b3 > 0 else slope
                        of_source[head] += (s0 + s1) + (s2 + s3)
                    # Last to first: of a repeated edge, the one that has its weight is written last.
                    weights[p3, head] = s3
                    weights[p2, head] = s2
                    weights[p1, head] = s1
                    weights[p0, head] = s0
            total += part
        to_values[row] = total
        if scored:
            to_source[row] = of_source


@_compiled
def sum_rows(piece, first, last, start, other, place, grad, relation, found, of_relation):  # type: ignore[no-untyped-def]
    """found[row] = sum of grad over its edges; of_relation[piece, relation] += it, if there are relations."""
    heads, biased = grad.shape[1], of_relation.shape[1] > 0
    total = np.empty(heads, np.float64)
    for row in range(first, last):
        total[:] = 0
        for edge in range(start[row], start[row + 1]):
            at = place[edge]
            for head in range(heads):
                total[head] += grad[at, head]
            if biased:
                for head in range(heads):
                    of_relation[piece, relation[at], head] += grad[at, head]
        found[row] = total
