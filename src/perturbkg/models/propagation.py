"""Propagation: what a random walk from the drug reaches in the graph, into the perceptron of `mlp`."""

from dataclasses import dataclass
from typing import ClassVar

from perturbkg.data import Data
from perturbkg.models._perceptron import PerceptronModel
from perturbkg.models._walk import WalkOptions
from perturbkg.training.inputs import Block


@dataclass
class Propagation(WalkOptions, PerceptronModel):
    """A perceptron on diffusion features of the drug, its own features, and cell features."""

    structure: bool = True
    """whether the drug's own features (structure) are read too"""

    own_node: ClassVar[bool] = True

    def drug_blocks(self, data: Data) -> list[Block]:
        """Read the walk (drugs, nodes) from each drug's node, and its features."""
        return [self.walk(data), data.drug_features] if self.structure else [self.walk(data)]
