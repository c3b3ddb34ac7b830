"""Compile the fused backend's kernels before the first job that needs them: python -m perturbkg.attention.

It takes about 10 s, once for this version of the kernels on a machine.
"""

import torch

from perturbkg.attention import Edges, attend, convolve, dot


def compile_kernels() -> None:
    """Call each operation forward and backward, with the types of numbers that the models use."""
    ends = torch.tensor([0, 0, 1, 1, 2], dtype=torch.int32)
    edges = Edges(ends, ends.flip(0).contiguous(), 3, 3)
    vectors = torch.ones(3, 2, 4, requires_grad=True)
    scores = torch.ones(3, 2, requires_grad=True)
    bias = torch.ones(2, 2, requires_grad=True)
    relation = torch.tensor([0, 1, 0, 1, 0], dtype=torch.int16)
    logits = dot(edges, vectors, vectors, backend="fused")
    attended = attend(edges, logits, vectors[:, 0], backend="fused")
    convolved = convolve(edges, scores, scores, vectors, relation=relation, bias=bias, backend="fused")
    (attended + convolved).sum().backward()


if __name__ == "__main__":
    compile_kernels()
