"""Layers of attention over a part of a graph: the results of the whole graph, without computing the rest."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from perturbkg.attention.cost import ONCE, Size, predicting_bytes, training_bytes
from perturbkg.graph.arrays import Graph
from perturbkg.graph.neighbourhoods import neighbourhood
from perturbkg.training.graph_encoder import AttentionLayer, GraphEncoder, Part

COLUMNS = [3, 0]  # nodes of kind 0 have three columns, those of kind 1 only their kind's vector
RELATIONS = 2


def graph(nodes: int, edges: int, seed: int) -> Graph:
    """Draw a graph with self-loops, multi-edges and nodes without an edge."""
    rng = np.random.default_rng(seed)
    head, tail = rng.integers(0, max(nodes - 2, 1), (2, edges))
    return Graph.from_edges(
        head,
        tail,
        rng.integers(0, RELATIONS, edges),
        node_type=np.zeros(nodes, int),
        types=["a"],
        relations=["r", "s"],
    )


def encoder(whole: Graph, wanted: np.ndarray, **options) -> GraphEncoder:
    """Make an encoder whose weights and nodes depend on nothing but the number of nodes."""
    kind = np.arange(whole.nodes) % 2
    vectors = np.random.default_rng(0).normal(size=(whole.nodes, 3)).astype(np.float32)
    vectors[kind == 1] = 0
    found = neighbourhood(whole, wanted, 2, group=kind)
    given = {"width": 8, "heads": 2, "dropout": 0.0, "backend": "torch", "checkpointing": False} | options
    generator = torch.Generator().manual_seed(1)
    return GraphEncoder(Part.of(found, vectors, kind), COLUMNS, 2 * RELATIONS, generator=generator, **given)


def gradients(network: GraphEncoder, loss: Tensor) -> list[Tensor]:
    """Return the gradients of all parameters, zeros where there is none."""
    found = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    return [
        torch.zeros_like(parameter) if grad is None else grad
        for parameter, grad in zip(network.parameters(), found, strict=True)
    ]


def close(found: list[Tensor], wanted: list[Tensor]) -> bool:
    """Compare to 1e-5 of the largest element of all."""
    one, other = (torch.cat([tensor.flatten() for tensor in each]) for each in (found, wanted))
    return bool((one - other).abs().max() <= 1e-5 * max(other.abs().max().item(), 1e-2))


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 9), st.data())
def test_a_part_gives_the_result_of_the_whole_graph(nodes, edges, seed, drawn):
    whole = graph(nodes, edges, seed)
    wanted = np.array(drawn.draw(st.lists(st.integers(0, nodes - 1), min_size=1, unique=True)))
    part, full = encoder(whole, wanted), encoder(whole, np.arange(nodes))
    some, every = part(), full()[wanted]
    assert some.shape == (len(wanted), 8)
    assert close([some], [every])
    weights = torch.randn(some.shape, generator=torch.Generator().manual_seed(2))
    assert close(gradients(part, (some * weights).sum()), gradients(full, (every * weights).sum()))


def test_a_layer_by_hand():
    """One head of width 2 with identity values; node 0 attends to 1 (relation 0) and 2 (relation 1)."""
    whole = Graph.from_edges(
        np.array([1, 2]),
        np.array([0, 0]),
        np.array([0, 1]),
        node_type=np.zeros(3, int),
        types=["a"],
        relations=["r", "s"],
    )
    part = Part.of(neighbourhood(whole, np.array([0]), 1), np.zeros((3, 0), np.float32), np.zeros(3, int))
    layer = AttentionLayer(2, 1, 4, dropout=0.0, backend="torch", generator=torch.Generator())
    with torch.no_grad():
        layer.values.weight.copy_(torch.eye(2))
        layer.source.copy_(torch.tensor([[1.0, 0.0]]))
        layer.target.copy_(torch.tensor([[0.0, 1.0]]))
        layer.bias.copy_(torch.tensor([[0.5], [-9.0], [0.0], [0.0]]))
    h = torch.tensor([[3.0, -1.0], [2.0, 5.0], [1.0, 4.0]])
    # Scores: 2 - 1 + 0.5 = 1.5 from node 1; 1 - 1 - 9 = -9, leaky -1.8, from node 2.
    share = np.exp(1.5) / (np.exp(1.5) + np.exp(-1.8))
    summed = h[0] + share * h[1] + (1 - share) * h[2]
    wanted = (summed - summed.mean()) / (summed.var(unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(layer(h, *part.layers[0]), wanted.unsqueeze(0), atol=1e-5)


def test_recomputing_inner_results_changes_no_bit():
    whole = graph(20, 60, 3)
    kept, again = (encoder(whole, np.arange(4), checkpointing=c, dropout=0.5) for c in (False, True))
    for network in (kept, again):
        torch.manual_seed(5)
        network.found = network()
    assert torch.equal(kept.found, again.found)
    for a, b in zip(gradients(kept, kept.found.sum()), gradients(again, again.found.sum()), strict=True):
        assert torch.equal(a, b)


def test_a_node_without_features_starts_from_the_vector_of_its_kind():
    network = encoder(graph(4, 0, 0), np.array([1, 3]))
    found = network()
    assert torch.equal(found[0], found[1])
    (bias,) = torch.autograd.grad(found[0, 0], network.kinds[1].bias)
    assert bias.any()


def test_half_precision_features_are_never_stored_in_single_precision():
    network = encoder(graph(10, 30, 1), np.arange(3))
    half = Part(network.part.vectors.half(), network.part.runs, network.part.layers)
    wanted = network()
    (slope,) = torch.autograd.grad(wanted.sum(), network.kinds[0].weight)
    network.part = half
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        found = network()
    assert torch.allclose(found, wanted, atol=1e-2)
    assert torch.allclose(torch.autograd.grad(found.sum(), network.kinds[0].weight)[0], slope, atol=1e-2)
    in_single_precision = half.vectors.float()
    starts = [tensor[:1] for tensor in kept if tensor.dtype == torch.float32 and tensor.dim() == 2]
    rows = [in_single_precision[first : first + 1, : network.columns[kind]] for kind, first, _ in half.runs]
    assert not any(a.shape == b.shape and torch.equal(a, b) for a in starts for b in rows if b.numel())


def test_a_sample_is_drawn_in_training_only():
    whole = graph(10, 60, 1)
    network = encoder(whole, np.arange(3))
    drawn: list[Part] = []

    def sample() -> Part:
        drawn.append(encoder(whole, np.arange(3)).part)
        return drawn[-1]

    network.sample = sample
    network.eval()()
    assert not drawn
    network.train()()
    assert len(drawn) == 1


def test_the_estimate_by_hand():
    """One layer, 10 sources, 4 targets, 100 edges, 3 columns of 2 bytes, width 8 of 2 heads, fused."""
    inputs = 10 * (2 * 3 + 4 * 8) + 26 * 100 + ONCE
    kept = 4 * (8 * (2 * 10 + 3 * 4) + 2 * 100)
    passing = 4 * 8 * (2 * 10 + 2 * 4)
    size, shape = Size(10, 4, 100), {"columns": 3, "itemsize": 2, "width": 8, "heads": 2}
    found = training_bytes([size], **shape, backend="fused", checkpointing=False)
    assert found == inputs + kept + passing


@pytest.mark.parametrize("backend", ["fused", "torch"])
def test_recomputing_needs_less_memory(backend):
    sizes = [Size(1000, 1000, 9000)] * 3
    shape = {"columns": 8, "itemsize": 4, "width": 64, "heads": 4, "backend": backend}
    assert training_bytes(sizes, **shape, checkpointing=True) < training_bytes(
        sizes, **shape, checkpointing=False
    )


def test_the_estimate_of_predicting_by_hand():
    """Messages of both layers are never in memory together, and nothing is kept for a backward pass."""
    sizes = [Size(10, 4, 100), Size(4, 2, 20)]
    shape = {"columns": 3, "itemsize": 4, "width": 8, "heads": 2}
    inputs = 4 * 10 * (3 + 8) + 26 * 120 + ONCE
    of_nodes = 8 * (2 * 10 + 3 * 4)
    assert predicting_bytes(sizes, **shape, backend="fused") == inputs + 4 * (of_nodes + 2 * 100)
    assert predicting_bytes(sizes, **shape, backend="torch") == inputs + 4 * (of_nodes + 20 * 100)
