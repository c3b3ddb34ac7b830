"""Layers whose first weights come from a generator that is passed, never from torch's global one."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """A linear layer whose first weights are drawn from a generator; it may have no inputs at all."""

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator, gain: float = 1.0) -> None:
        """Draw weights uniform in +-gain/sqrt(inputs), biases zero; gain 0 starts silent."""
        super().__init__()
        bound = gain / max(inputs, 1) ** 0.5
        self.weight = nn.Parameter((torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return nn.functional.linear(x, self.weight, self.bias)


def perceptron(
    sizes: list[int], generator: torch.Generator, *, input_dropout: float, dropout: float
) -> nn.Sequential:
    """Stack linear layers of the given sizes with ReLU and dropout between; the last one starts at zero.

    So a network that predicts a residual starts by predicting what it is a residual of.
    """
    layers: list[nn.Module] = [nn.Dropout(input_dropout)]
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [Linear(inputs, outputs, generator), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, Linear(sizes[-2], sizes[-1], generator, gain=0.0))


def table(matrix: Tensor) -> nn.Buffer:
    """Wrap a frozen input table so that it moves with its network but is not saved as a weight."""
    return nn.Buffer(matrix, persistent=False)
