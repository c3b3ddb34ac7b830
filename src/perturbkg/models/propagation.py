"""Propagation: what a random walk from the drug reaches in the graph, into the perceptron of `mlp`."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Gt, Le

from perturbkg.data import Data
from perturbkg.graph.diffusion import Walk
from perturbkg.models._perceptron import PerceptronModel
from perturbkg.training.inputs import Block


@dataclass
class Propagation(PerceptronModel):
    """A perceptron on diffusion features of the drug, its own features, and cell features."""

    restart: Annotated[float, Gt(0), Le(1)] = 0.3
    """share of the walk that returns to the drug at each step"""
    steps: Annotated[int, Ge(1)] = 6
    """steps of the walk"""
    factor: Annotated[float, Gt(0)] = 10000.0
    """the walk is read as log1p(factor * share)"""
    structure: bool = True
    """whether the drug's own features (structure) are read too"""

    _walk: tuple[Data, Walk] | None = field(default=None, init=False, repr=False, compare=False)

    def drug_blocks(self, data: Data) -> list[Block]:
        """Read the walk (drugs, nodes) from each drug's node, and its features."""
        # Fit and predict ask for the same walk; it takes seconds.
        if self._walk is None or self._walk[0] is not data:
            walk = Walk.of(
                data.graph,
                data.drug_node,
                restart=self.restart,
                steps=self.steps,
                factor=self.factor,
                own_node=True,
            )
            self._walk = (data, walk)
        return [self._walk[1], data.drug_features] if self.structure else [self._walk[1]]
