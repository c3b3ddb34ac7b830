"""Attention over incoming edges: one small interface, on DGL where it runs, on plain torch elsewhere.

DGL's wheels have no CUDA, so on a GPU the plain backend computes the same function.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from perturbkg.training.dgl import dgl


@dataclass(frozen=True)
class Edges:
    """A bipartite block of edges: messages go from `sources` nodes to `targets` nodes."""

    src: Tensor  # (edges,) int64, below sources
    dst: Tensor  # (edges,) int64, below targets
    sources: int
    targets: int

    def __len__(self) -> int:
        """Count the edges."""
        return len(self.src)

    def on(self, device: torch.device) -> "Edges":
        """Return the edges on a device; themselves, with what they cache, where they are there already."""
        if self.src.device == device:
            return self
        return Edges(self.src.to(device), self.dst.to(device), self.sources, self.targets)

    @cached_property
    def block(self) -> Any:
        """Return the block as DGL keeps it, with its sorted forms cached between steps."""
        return dgl.create_block((self.src, self.dst), num_src_nodes=self.sources, num_dst_nodes=self.targets)


def _on_dgl(edges: Edges, backend: str) -> bool:
    if backend not in {"auto", "dgl", "torch"}:
        raise ValueError(f"unknown attention backend {backend!r}")
    # DGL's kernels refuse a block without edges, whose result is zeros.
    return len(edges) > 0 and (backend == "dgl" or (backend == "auto" and edges.src.device.type == "cpu"))


def dot(edges: Edges, keys: Tensor, queries: Tensor, backend: str = "auto") -> Tensor:
    """Return the inner product of source key and target query of each edge: (edges, heads).

    `keys` is (sources, heads, width), `queries` (targets, heads, width).
    """
    if _on_dgl(edges, backend):
        return dgl.ops.u_dot_v(edges.block, keys, queries).squeeze(-1)
    return (keys[edges.src] * queries[edges.dst]).sum(dim=-1)


def attend(edges: Edges, logits: Tensor, values: Tensor, backend: str = "auto") -> Tensor:
    """Return for each target the mean of its sources' values, weighted by the softmax of its edges' logits.

    `logits` is (edges, heads), `values` (sources, width); the result (targets, heads, width). A target
    without an edge gets zeros.
    """
    heads = logits.shape[1]
    if _on_dgl(edges, backend):
        weights = dgl.ops.edge_softmax(edges.block, logits)
        spread = values.unsqueeze(1).expand(-1, heads, -1).contiguous()
        return dgl.ops.u_mul_e_sum(edges.block, spread, weights.unsqueeze(-1))
    rows = edges.dst.unsqueeze(1).expand_as(logits)
    highest = logits.new_full((edges.targets, heads), -torch.inf)
    highest = highest.scatter_reduce(0, rows, logits.detach(), "amax")
    share = (logits - highest[edges.dst]).exp()
    total = share.new_zeros(edges.targets, heads).index_add(0, edges.dst, share)
    weights = share / total[edges.dst]
    messages = values[edges.src].unsqueeze(1) * weights.unsqueeze(-1)  # (edges, heads, width)
    return messages.new_zeros(edges.targets, heads, values.shape[1]).index_add(0, edges.dst, messages)
