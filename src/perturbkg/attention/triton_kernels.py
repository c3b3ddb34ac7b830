"""Triton kernels of `triton_`: each program sums one item of a plan, a row of edges or a segment of one.

An item is (row, place of the result, first edge, past the last). A lane without an edge reads nothing and
weighs zero. Offsets are int64, since nodes times numbers pass 2**31. Whether an argument is None is known
when compiling.
"""
# ruff: noqa: PLR0917 - a kernel takes its arrays one by one

import triton
from triton import language as tl


@triton.jit
def _own_item(items):  # type: ignore[no-untyped-def]
    item = items + 4 * tl.program_id(0).to(tl.int64)
    return tl.load(item), tl.load(item + 1), tl.load(item + 2), tl.load(item + 3)


@triton.jit
def _scores(own, others, far, at, relation, bias, heads, head, live):  # type: ignore[no-untyped-def]
    """Scores (lanes, heads) before the leaky ReLU; their sum is written so that both passes round alike."""
    score = own[None, :] + tl.load(others + far[:, None] * heads + head[None, :], mask=live, other=0.0)
    if relation is not None:
        kind = tl.load(relation + at[:, None], mask=live, other=0).to(tl.int64)
        score += tl.load(bias + kind * heads + head[None, :], mask=live, other=0.0)
    return score


@triton.jit
def attend_rows(  # type: ignore[no-untyped-def]
    items,
    other,
    place,
    logits,
    source,
    target,
    relation,
    bias,
    slope,
    masses,
    values,
    step,
    leap,
    found,
    highest,
    mass,
    heads,
    width,
    LANES: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """found[row] = mean of values[other] by the softmax of the logits, highest[row] = the highest of these.

    mass[row] = sum of exp(logit - highest). An edge counts as often as its mass says, where there are masses.
    """
    row, to, begin, end = _own_item(items)
    head, column, lane = _axes(LANES, HEADS, WIDTH)
    here, inside = _inside(head, column, heads, width)
    top = tl.full((LANES, HEADS), float("-inf"), tl.float32)
    weight = tl.zeros((LANES, HEADS), tl.float32)
    sums = tl.zeros((LANES, HEADS, WIDTH), tl.float32)
    if logits is None:
        own = tl.load(target + row * heads + head, mask=here, other=0.0)
    for first in range(begin, end, LANES):
        edge = first + lane
        busy = edge < end
        live = busy[:, None] & here[None, :]
        far = tl.load(other + edge, mask=busy, other=0).to(tl.int64)
        at = tl.load(place + edge, mask=busy, other=0).to(tl.int64)
        if logits is None:
            score = _scores(own, source, far, at, relation, bias, heads, head, live)
            score = tl.where(score > 0, score, slope * score)
        else:
            score = tl.load(logits + at[:, None] * heads + head[None, :], mask=live, other=0.0)
        score = tl.where(live, score, float("-inf"))
        above = tl.maximum(top, score)
        # A lane that has seen nothing but minus infinity: its weights are zero, not undefined.
        level = tl.where(above == float("-inf"), 0.0, above)
        fade, share = tl.exp(top - level), tl.exp(score - level)
        if masses is not None:
            share *= tl.load(masses + at[:, None] * heads + head[None, :], mask=live, other=0.0)
        rows = values + far[:, None, None] * step + (head[:, None] * leap + column[None, :])[None, :, :]
        rows = tl.load(rows, mask=busy[:, None, None] & inside[None, :, :], other=0.0).to(tl.float32)
        weight = weight * fade + share
        sums = sums * fade[:, :, None] + share[:, :, None] * rows
        top = above
    above = tl.max(top, axis=0)
    level = tl.where(above == float("-inf"), 0.0, above)
    fade = tl.exp(top - level[None, :])
    weight = tl.sum(weight * fade, axis=0)
    mean = tl.sum(sums * fade[:, :, None], axis=0) / tl.where(weight == 0, 1.0, weight)[:, None]
    tl.store(found + (to * heads + head)[:, None] * width + column[None, :], mean, mask=inside)
    tl.store(highest + to * heads + head, above, mask=here)
    tl.store(mass + to * heads + head, weight, mask=here)


@triton.jit
def attend_backward(  # type: ignore[no-untyped-def]
    items,
    other,
    place,
    logits,
    source,
    target,
    relation,
    bias,
    slope,
    values,
    step,
    leap,
    grad,
    centre,
    highest,
    mass,
    to_logits,
    to_source,
    to_values,
    heads,
    width,
    LANES: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Gradients of `attend_rows`; rows are sources, so that one reading of grad[other] serves them all.

    That of the logits, before the leaky ReLU where there is one, goes to the edge's place. `centre` (targets,
    heads) is the mean of the gradient of the weights: <grad, result>.
    """
    row, to, begin, end = _own_item(items)
    head, column, lane = _axes(LANES, HEADS, WIDTH)
    here, inside = _inside(head, column, heads, width)
    value = values + row * step + head[:, None] * leap + column[None, :]
    value = tl.load(value, mask=inside, other=0.0).to(tl.float32)
    of_source = tl.zeros((LANES, HEADS), tl.float32)
    sums = tl.zeros((LANES, HEADS, WIDTH), tl.float32)
    if logits is None:
        own = tl.load(source + row * heads + head, mask=here, other=0.0)
    for first in range(begin, end, LANES):
        edge = first + lane
        busy = edge < end
        live = busy[:, None] & here[None, :]
        far = tl.load(other + edge, mask=busy, other=0).to(tl.int64)
        at = tl.load(place + edge, mask=busy, other=0).to(tl.int64)
        if logits is None:
            score = _scores(own, target, far, at, relation, bias, heads, head, live)
            leak = tl.where(score > 0, 1.0, slope)
            score = tl.where(score > 0, score, slope * score)
        else:
            score = tl.load(logits + at[:, None] * heads + head[None, :], mask=live, other=0.0)
        beyond = far[:, None] * heads + head[None, :]
        score -= tl.load(highest + beyond, mask=live, other=0.0)
        share = tl.exp(tl.where(live, score, float("-inf")))
        share /= tl.load(mass + beyond, mask=live, other=1.0)
        rows = grad + beyond[:, :, None] * width + column[None, None, :]
        rows = tl.load(rows, mask=busy[:, None, None] & inside[None, :, :], other=0.0).to(tl.float32)
        sums += share[:, :, None] * rows
        gain = tl.sum(value[None, :, :] * rows, axis=2)
        gain = share * (gain - tl.load(centre + beyond, mask=live, other=0.0))
        if logits is None:
            gain *= leak
            of_source += gain
        tl.store(to_logits + at[:, None] * heads + head[None, :], gain, mask=live)
    tl.store(
        to_values + (to * heads + head)[:, None] * width + column[None, :], tl.sum(sums, axis=0), mask=inside
    )
    if logits is None:
        tl.store(to_source + to * heads + head, tl.sum(of_source, axis=0), mask=here)


@triton.jit
def weigh_rows(  # type: ignore[no-untyped-def]
    items,
    other,
    place,
    weights,
    others,
    found,
    heads,
    width,
    LANES: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """found[row] = sum of weights[place] * others[other] over its edges."""
    _, to, begin, end = _own_item(items)
    head, column, lane = _axes(LANES, HEADS, WIDTH)
    here, inside = _inside(head, column, heads, width)
    sums = tl.zeros((LANES, HEADS, WIDTH), tl.float32)
    for first in range(begin, end, LANES):
        edge = first + lane
        busy = edge < end
        far = tl.load(other + edge, mask=busy, other=0).to(tl.int64)
        at = tl.load(place + edge, mask=busy, other=0).to(tl.int64)
        weight = weights + at[:, None] * heads + head[None, :]
        weight = tl.load(weight, mask=busy[:, None] & here[None, :], other=0.0)
        rows = others + (far[:, None] * heads + head[None, :])[:, :, None] * width + column[None, None, :]
        rows = tl.load(rows, mask=busy[:, None, None] & inside[None, :, :], other=0.0).to(tl.float32)
        sums += weight[:, :, None] * rows
    tl.store(
        found + (to * heads + head)[:, None] * width + column[None, :], tl.sum(sums, axis=0), mask=inside
    )


@triton.jit
def sum_rows(  # type: ignore[no-untyped-def]
    items,
    place,
    numbers,
    found,
    columns,
    LANES: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """found[row] = sum of numbers[place] over its edges."""
    _, to, begin, end = _own_item(items)
    column, _, lane = _axes(LANES, HEADS, WIDTH)
    inside = column < columns
    sums = tl.zeros((LANES, HEADS), tl.float32)
    for first in range(begin, end, LANES):
        edge = first + lane
        busy = edge < end
        at = tl.load(place + edge, mask=busy, other=0).to(tl.int64)
        rows = numbers + at[:, None] * columns + column[None, :]
        sums += tl.load(rows, mask=busy[:, None] & inside[None, :], other=0.0)
    tl.store(found + to * columns + column, tl.sum(sums, axis=0), mask=inside)


@triton.jit
def dot_edges(  # type: ignore[no-untyped-def]
    src,
    dst,
    keys,
    queries,
    found,
    edges,
    heads,
    width,
    LANES: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """found[edge] = <keys[src], queries[dst]>; a program takes LANES edges as they were given."""
    head, column, lane = _axes(LANES, HEADS, WIDTH)
    here, inside = _inside(head, column, heads, width)
    edge = tl.program_id(0).to(tl.int64) * LANES + lane
    busy = edge < edges
    mask = busy[:, None, None] & inside[None, :, :]
    cell = head[:, None] * width + column[None, :]
    one = tl.load(src + edge, mask=busy, other=0).to(tl.int64)[:, None, None] * heads * width
    other = tl.load(dst + edge, mask=busy, other=0).to(tl.int64)[:, None, None] * heads * width
    one = tl.load(keys + one + cell[None, :, :], mask=mask, other=0.0).to(tl.float32)
    other = tl.load(queries + other + cell[None, :, :], mask=mask, other=0.0).to(tl.float32)
    product = tl.sum(one * other, axis=2)
    tl.store(found + edge[:, None] * heads + head[None, :], product, mask=busy[:, None] & here[None, :])


@triton.jit
def _axes(LANES: tl.constexpr, HEADS: tl.constexpr, WIDTH: tl.constexpr):  # type: ignore[no-untyped-def]
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    return head, tl.arange(0, WIDTH), tl.arange(0, LANES)


@triton.jit
def _inside(head, column, heads, width):  # type: ignore[no-untyped-def]
    here = head < heads
    return here, here[:, None] & (column < width)[None, :]
