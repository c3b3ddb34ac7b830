"""Attention over incoming edges: by hand, and the two backends against each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbkg.training.attention import Edges, attend, dot

BACKENDS = ["dgl", "torch"]


def make(src, dst, sources, targets):
    return Edges(torch.tensor(src, dtype=torch.int64), torch.tensor(dst, dtype=torch.int64), sources, targets)


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_hand(backend):
    """Target 0 hears sources 0 and 1 at 1:3, target 1 hears source 1 alone, target 2 nobody."""
    edges = make([0, 1, 1], [0, 0, 1], 2, 3)
    logits = torch.tensor([[0.0], [np.log(3)], [-7.0]], dtype=torch.float32)
    values = torch.tensor([[4.0, 0.0], [0.0, 8.0]])
    found = attend(edges, logits, values, backend)
    assert torch.allclose(found[:, 0], torch.tensor([[1.0, 6.0], [0.0, 8.0], [0.0, 0.0]]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_dot_by_hand(backend):
    edges = make([1, 0], [0, 1], 2, 2)
    keys = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    queries = torch.tensor([[[1.0, 1.0]], [[0.0, 10.0]]])
    assert torch.allclose(dot(edges, keys, queries, backend), torch.tensor([[7.0], [20.0]]))


@pytest.mark.parametrize("backend", ["auto", "dgl", "torch"])
def test_a_block_without_edges_gives_zeros(backend):
    edges = make([], [], 2, 3)
    assert dot(edges, torch.ones(2, 4, 5), torch.ones(3, 4, 5), backend).shape == (0, 4)
    found = attend(edges, torch.zeros(0, 4), torch.ones(2, 6), backend)
    assert found.shape == (3, 4, 6)
    assert not found.any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**16))
def test_backends_agree_in_value_and_gradient(count, sources, targets, seed):
    """On random graphs: multi-edges, targets without edges, one node."""
    generator = torch.Generator().manual_seed(seed)
    src = torch.randint(sources, (count,), generator=generator).tolist()
    dst = torch.randint(targets, (count,), generator=generator).tolist()
    edges = make(src, dst, sources, targets)
    results = []
    for backend in BACKENDS:
        own = torch.Generator().manual_seed(seed + 1)
        keys = torch.randn(sources, 2, 3, generator=own).requires_grad_()
        queries = torch.randn(targets, 2, 3, generator=own).requires_grad_()
        values = torch.randn(sources, 4, generator=own).requires_grad_()
        found = attend(edges, dot(edges, keys, queries, backend), values, backend)
        (found * torch.randn(found.shape, generator=own)).sum().backward()
        results.append([found.detach(), *(tensor.grad for tensor in (keys, queries, values))])
    for one, other in zip(*results, strict=True):
        if one is None or other is None:  # no edge: nothing to learn from
            assert count == 0
            continue
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="unknown attention backend 'cuda'"):
        attend(make([0], [0], 1, 1), torch.zeros(1, 1), torch.ones(1, 1), "cuda")
