"""Layers draw their weights from the generator that is passed."""

import torch

from perturbkg.training.layers import Linear, perceptron, table


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_weights_come_only_from_the_generator():
    before = torch.get_rng_state()
    first, second, other = Linear(4, 3, generator()), Linear(4, 3, generator()), Linear(4, 3, generator(1))
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_are_within_the_bound():
    layer = Linear(100, 50, generator(), gain=2.0)
    assert 0.19 < layer.weight.abs().max().item() <= 0.2  # 2 / sqrt(100)
    assert not layer.bias.any()


def test_a_perceptron_starts_at_zero_and_learns_from_there():
    net = perceptron([3, 8, 2], generator(), input_dropout=0.0, dropout=0.0)
    inputs = torch.ones(5, 3)
    assert not net(inputs).any()
    net(inputs).sum().backward()
    assert net[-1].weight.grad.any()


def test_a_perceptron_without_inputs_has_a_bias():
    net = perceptron([0, 8, 2], generator(), input_dropout=0.1, dropout=0.0)
    assert net(torch.ones(5, 0)).shape == (5, 2)


def test_a_table_moves_with_its_network_but_is_not_a_weight():
    module = torch.nn.Module()
    module.known = table(torch.ones(2, 2))
    assert not module.state_dict()
    assert module.to(torch.float64).known.dtype == torch.float64
