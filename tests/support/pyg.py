"""Attention over incoming edges by PyTorch Geometric: a reference for our backends, with and without DGL."""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from perturbkg.attention import Edges

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PyG uses torch.jit, which torch has deprecated
    from torch_geometric.nn import GATConv
    from torch_geometric.utils import scatter, softmax

__all__ = ["GATConv", "attend", "convolve", "dot"]


def dot(edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
    """Compute `perturbkg.attention.dot`."""
    return (keys[edges.src.long()] * queries[edges.dst.long()]).sum(-1)


def attend(edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
    """Compute `perturbkg.attention.attend`."""
    target = edges.dst.long()
    weights = softmax(logits, target, num_nodes=edges.targets)
    if values.dim() == 2:
        values = values.unsqueeze(1)
    messages = values[edges.src.long()] * weights.unsqueeze(-1)
    return scatter(messages, target, dim=0, dim_size=edges.targets, reduce="sum")


def convolve(
    edges: Edges,
    source: Tensor,
    target: Tensor,
    values: Tensor,
    *,
    relation: Tensor | None = None,
    bias: Tensor | None = None,
    slope: float = 0.2,
) -> Tensor:
    """Compute `perturbkg.attention.convolve`."""
    scores = source[edges.src.long()] + target[edges.dst.long()]
    if relation is not None and bias is not None:
        scores = scores + torch.index_select(bias, 0, relation.long())
    return attend(edges, leaky_relu(scores, slope), values)
