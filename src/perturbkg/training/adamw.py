"""AdamW through torch's functional form: making a `torch.optim.AdamW` imports torch's compiler.

That import takes as long as importing torch itself, in every training job, and nothing is compiled here.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adamw import adamw


class AdamW:
    """The same updates as `torch.optim.AdamW` with its default betas and epsilon, bit for bit.

    Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        """Take the parameters to train, the step size and the decoupled weight decay."""
        self.parameters, self.lr, self.weight_decay = list(parameters), lr, weight_decay
        # For each parameter that has had a gradient: mean, mean square and number of the gradients so far.
        self.moments: dict[Tensor, tuple[Tensor, Tensor, Tensor]] = {}

    def zero_grad(self) -> None:
        """Remove the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update each parameter that has a gradient."""
        moved, grads, first, second, steps = [], [], [], [], []
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            if parameter not in self.moments:
                # Like torch's class, count steps on the CPU wherever the parameter is.
                start = torch.zeros_like(parameter), torch.zeros_like(parameter), torch.tensor(0.0)
                self.moments[parameter] = start
            mean, square, count = self.moments[parameter]
            moved.append(parameter)
            grads.append(parameter.grad)
            first.append(mean)
            second.append(square)
            steps.append(count)
        adamw(
            moved,
            grads,
            first,
            second,
            [],
            steps,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )
