"""Kernel: a Gaussian process on structure, targets and the cell line's baseline, without the graph."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from perturbkg.data import Data, Signatures
from perturbkg.models._drug_kernels import structure_kernel, target_kernel
from perturbkg.models._kernel import KernelModel
from perturbkg.models._kernel_choice import Weights


@dataclass
class Kernel(KernelModel):
    """Kernel regression of the scaled residual: the control that a model with a graph has to beat."""

    targets: bool = True
    """whether known targets (the annotation that `mlp` reads) may be compared"""
    imputed: Annotated[float, Ge(0)] = 0.5
    """weight of the targets that molecules of similar structure have; 0: known targets only"""

    def drug_kernels(self, data: Data) -> dict[str, np.ndarray]:
        """Compare structures, and known targets."""
        kernels = {"structure": structure_kernel(data)}
        if self.targets:
            kernels["targets"] = target_kernel(data.targets, data.imputed, weight=self.imputed)
        return kernels

    def candidates(self, data: Data, kernels: dict[str, np.ndarray], seen: Signatures) -> list[Weights]:
        """Choose between structure alone, and structure with targets."""
        alone: Weights = {"structure": 1.0}
        return [alone, {"structure": 1.0, "targets": 0.5}] if self.targets else [alone]
