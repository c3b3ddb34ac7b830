"""The optimiser: the same bits as torch's class."""

import torch
from torch import Tensor, nn

from perturbkg.training.adamw import AdamW


def trained(optimiser: type) -> list[Tensor]:
    """Train two layers, of which the second has a gradient in every third step only."""
    generator = torch.Generator().manual_seed(1)
    weights = [
        nn.Parameter(torch.randn(*shape, generator=generator)) for shape in [(5, 7), (7, 3), (3, 3), (3,)]
    ]
    moving = optimiser(weights, lr=2e-2, weight_decay=0.1)
    for step in range(40):
        found = (torch.randn(9, 5, generator=generator) @ weights[0]).tanh() @ weights[1]
        if step % 3 == 0:
            found = found @ weights[2] + weights[3]
        moving.zero_grad()
        (found.square().mean() * 10.0 ** (step % 5 - 2)).backward()
        moving.step()
    return weights


def test_the_updates_are_those_of_torch_bit_for_bit():
    for ours, theirs in zip(trained(AdamW), trained(torch.optim.AdamW), strict=True):
        assert torch.equal(ours, theirs)


def test_a_parameter_without_a_gradient_stays():
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))]
    moving = AdamW(weights, lr=0.1, weight_decay=0.5)
    weights[0].sum().backward()
    moving.step()
    # One step of AdamW: decay by lr * weight_decay, then a move of lr against the sign of the gradient.
    assert torch.allclose(weights[0], torch.full((2,), 1 * (1 - 0.1 * 0.5) - 0.1))
    assert torch.equal(weights[1], torch.ones(2))
