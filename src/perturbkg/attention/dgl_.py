"""Attention on DGL 1.1.3's kernels: a reference for the others, on the CPU only (DGL's wheels have no CUDA).

    attend:   out[t] = sum_e softmax_e(l_e) values[src_e], over the edges e with dst_e = t
    dot:      l_e = <keys[src_e], queries[dst_e]>
    convolve: attend by l_e = leaky_relu(source[src_e] + target[dst_e] + bias[relation_e])

Shapes are those of `perturbkg.attention`. Source: Wang et al. 2019, arXiv:1909.01315 (DGL).

DGL 1.1.3 is the last release that runs beside current torch, with one repair: its loader looks for
`packaging` inside setuptools, which no longer contains it.
"""

import sys
import warnings
from types import ModuleType
from typing import Any

import packaging
import packaging.version
from torch import Tensor

from perturbkg.attention.backend import Scores
from perturbkg.attention.edges import Edges
from perturbkg.attention.torch_ import Torch, relation_bias, single

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


class DGL(Torch):
    """DGL's kernels; a block without edges, which they refuse, is left to plain torch."""

    def dot(self, edges: Edges, keys: Tensor, queries: Tensor) -> Tensor:
        """Multiply the ends by `u_dot_v`."""
        if not len(edges):
            return super().dot(edges, keys, queries)
        return dgl.ops.u_dot_v(_block(edges), single(keys), single(queries)).squeeze(-1)

    def attend(self, edges: Edges, logits: Tensor, values: Tensor) -> Tensor:
        """Weigh by `edge_softmax`, sum by `u_mul_e_sum`."""
        if not len(edges):
            return super().attend(edges, logits, values)
        weights = dgl.ops.edge_softmax(_block(edges), single(logits))
        if values.dim() == 2:
            values = values.unsqueeze(1).expand(-1, logits.shape[1], -1)
        wide = single(values).contiguous()
        return dgl.ops.u_mul_e_sum(_block(edges), wide, weights.unsqueeze(-1)).to(values.dtype)

    def add_ends(self, edges: Edges, scores: Scores) -> Tensor:
        """Add the ends by `u_add_v`, and the bias where there is one."""
        if not len(edges):
            return super().add_ends(edges, scores)
        found = dgl.ops.u_add_v(_block(edges), single(scores.source), single(scores.target))
        return found if scores.bias is None else found + relation_bias(scores)
