"""Attention on DGL 1.1.3's kernels: the reference, on the CPU, for which alone DGL has wheels.

1.1.3 is the last release that runs beside current torch, with one mend: its loader looks for `packaging`
inside setuptools, which no longer carries it.
"""

import sys
import warnings
from types import ModuleType
from typing import Any

import packaging
import packaging.version
from torch import Tensor
from torch.nn.functional import leaky_relu

from perturbkg.attention import torch_
from perturbkg.attention.edges import Edges

_extern = sys.modules.setdefault("setuptools.extern", ModuleType("setuptools.extern"))
_extern.packaging = packaging  # type: ignore[attr-defined]
sys.modules.setdefault("setuptools.extern.packaging", packaging)
sys.modules.setdefault("setuptools.extern.packaging.version", packaging.version)

with warnings.catch_warnings():
    # DGL 1.1.3 names things by aliases that numpy and torch have since deprecated.
    warnings.simplefilter("ignore")
    import dgl
    import dgl.ops


def _block(edges: Edges) -> Any:
    """Return the block as DGL keeps it, with its sorted forms cached between steps."""
    if "dgl" not in edges.kept:
        ends = (edges.src, edges.dst)
        edges.kept["dgl"] = dgl.create_block(ends, num_src_nodes=edges.sources, num_dst_nodes=edges.targets)
    return edges.kept["dgl"]


def dot(edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
    """Compute `perturbkg.attention.dot`."""
    if not len(edges):  # DGL's kernels refuse a block without edges
        return torch_.dot(edges, keys, queries)
    return dgl.ops.u_dot_v(_block(edges), torch_.single(keys), torch_.single(queries)).squeeze(-1)


def attend(edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
    """Compute `perturbkg.attention.attend`."""
    if not len(edges):
        return torch_.attend(edges, logits, values)
    weights = dgl.ops.edge_softmax(_block(edges), torch_.single(logits))
    if values.dim() == 2:
        values = values.unsqueeze(1).expand(-1, logits.shape[1], -1)
    wide = torch_.single(values).contiguous()
    return dgl.ops.u_mul_e_sum(_block(edges), wide, weights.unsqueeze(-1)).to(values.dtype)


def convolve(
    edges: Edges,
    source: Tensor,
    target: Tensor,
    values: Tensor,
    *,
    relation: Tensor | None,
    bias: Tensor | None,
    slope: float,
) -> Tensor:
    """Compute `perturbkg.attention.convolve`."""
    if not len(edges):
        return torch_.convolve(edges, source, target, values, relation=relation, bias=bias, slope=slope)
    scores = dgl.ops.u_add_v(_block(edges), torch_.single(source), torch_.single(target))
    if relation is not None and bias is not None:
        scores = scores + torch_.take(bias, relation.long())
    return attend(edges, leaky_relu(scores, slope), values)
