"""Graph kernel: the Gaussian process of `kernel`, with what a walk from the drug reaches in the graph.

The walk is compared as a whole, and at the nodes of one type after one number of steps ("pathway@3"): a few
nodes that carry the response would be lost among thousands. The types and steps whose similarity of drugs
agrees best with the similarity of their responses are tried; leaving groups out decides.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from perturbkg.data import Data, Signatures
from perturbkg.graph.targets import own_targets
from perturbkg.models._drug_kernels import step_kernels, structure_kernel, target_kernel
from perturbkg.models._kernel import KernelModel
from perturbkg.models._kernel_choice import Weights
from perturbkg.models._walk import WalkOptions
from perturbkg.training.responses import group_means
from perturbkg.training.target_scale import Scaled


@dataclass
class GraphKernel(WalkOptions, KernelModel):
    """Kernel regression on structure, targets and walks of the graph, chosen by leaving groups out."""

    structure: bool = True
    """whether structures are compared"""
    targets: bool = True
    """whether targets, as the graph's edges say, are compared"""
    imputed: Annotated[float, Ge(0)] = 0.5
    """weight of the targets that molecules of similar structure have; 0: known targets only"""
    walks: bool = True
    """whether the walks as a whole are compared"""
    blocks: Annotated[int, Ge(0)] = 3
    """types and numbers of steps that are tried one by one; 0: none"""
    block_steps: Annotated[int, Ge(1)] = 5
    """most steps of these"""
    largest_type: Annotated[int, Ge(1)] = 5_000
    """most nodes of a type that is compared by itself"""

    own_node: ClassVar[bool] = False

    def drug_kernels(self, data: Data) -> dict[str, np.ndarray]:
        """Compare structures, targets, walks, and walks by type and step."""
        kernels = {"structure": structure_kernel(data)}
        if self.targets:
            known, imputed = own_targets(data.graph, data.drug_node)
            kernels["targets"] = target_kernel(known, imputed, weight=self.imputed)
        if self.walks:
            kernels["walk"] = self.walk(data).cosine(np.arange(len(data.drugs)))
        if self.blocks:
            kernels |= step_kernels(
                data, steps=self.block_steps, largest=self.largest_type, factor=self.factor
            )
        return kernels

    def candidates(self, data: Data, kernels: dict[str, np.ndarray], seen: Signatures) -> list[Weights]:
        """Combine structure, walk and targets, and the best few blocks, each with weights stated here."""
        structure: Weights = {"structure": 1.0} if self.structure else {}
        rest: Weights = {name: 0.5 for name in ("walk", "targets") if name in kernels}
        found = [structure, {**structure, **rest}]
        for block in _aligned(data, kernels, seen)[: self.blocks]:
            found += [{**one, block: 1.0} for one in (structure, {**structure, **rest})]
        # With all parts taken away nothing is compared, apart from [same drug].
        return [one for index, one in enumerate(found) if one and one not in found[:index]] or [{}]


def _aligned(data: Data, kernels: dict[str, np.ndarray], seen: Signatures) -> list[str]:
    """Sort blocks by how their similarity of drugs correlates with that of responses, across scaffolds."""
    scaled = Scaled.learn(seen, len(data.cells), "unit", 2.0)
    mean, count = group_means(scaled.residual, seen.drug, len(data.drugs))
    drugs = np.flatnonzero(count > 0)
    length = np.linalg.norm(mean[drugs], axis=1, keepdims=True)
    mean = mean[drugs] / np.maximum(length, 1e-6)
    other = np.triu(data.scaffold_group[drugs, None] != data.scaffold_group[drugs], 1)
    response = (mean @ mean.T)[other]
    found = {}
    for name, kernel in kernels.items():
        near = kernel[np.ix_(drugs, drugs)][other]
        if "@" in name and len(near) > 1 and near.std() > 1e-6 and response.std() > 1e-6:
            found[name] = float(np.corrcoef(near, response)[0, 1])
    return sorted((name for name in found if found[name] > 0), key=lambda name: (-found[name], name))
