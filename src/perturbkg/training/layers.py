"""Layers whose first weights come from a generator that is passed, never from torch's global one."""

from itertools import pairwise

import torch
from torch import Tensor, nn


def linear(inputs: int, outputs: int, generator: torch.Generator, gain: float = 1.0) -> nn.Linear:
    """Make a linear layer: weights uniform in +-gain/sqrt(inputs), biases zero; gain 0 starts silent."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    with torch.no_grad():
        bound = gain / max(inputs, 1) ** 0.5
        layer.weight.copy_((torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound)
        layer.bias.zero_()
    return layer


def perceptron(
    sizes: list[int], generator: torch.Generator, *, input_dropout: float, dropout: float
) -> nn.Sequential:
    """Stack linear layers of the given sizes with ReLU and dropout between; the last one starts at zero.

    Starting at zero, a network that predicts a residual starts as the thing it is a residual on.
    """
    layers: list[nn.Module] = [nn.Dropout(input_dropout)]
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [linear(inputs, outputs, generator), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, linear(sizes[-2], sizes[-1], generator, gain=0.0))


def table(matrix: Tensor) -> nn.Buffer:
    """Wrap a frozen input table so that it moves with its network but is not saved as a weight."""
    return nn.Buffer(matrix, persistent=False)
