"""What the models that start from a random walk share: its options, and the walk itself."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from perturbkg.data import Data
from perturbkg.graph.diffusion import Walk
from perturbkg.graph.kept_walks import walk_of


@dataclass
class WalkOptions:
    """A random walk with restart from each drug's node.

    This inherits from no model, so that a model which inherits from it keeps the defaults of its other bases.
    """

    restart: Annotated[float, Gt(0), Le(1)] = 0.3
    """share of the walk that returns to the drug at each step"""
    steps: Annotated[int, Ge(1)] = 6
    """steps of the walk"""
    factor: Annotated[float, Gt(0)] = 10000.0
    """the walk is read as log1p(factor * share)"""

    own_node: ClassVar[bool]  # whether the share that stays at the drug's own node is read

    _walk: tuple[Data, Walk] | None = field(default=None, init=False, repr=False, compare=False)

    def walk(self, data: Data) -> Walk:
        """Return the log-scaled walk of each drug."""
        # Fit and predict ask for the same walk; it takes seconds.
        if self._walk is None or self._walk[0] is not data:
            walk = walk_of(
                data.graph,
                data.drug_node,
                folder=data.walks,
                restart=self.restart,
                steps=self.steps,
                factor=self.factor,
                own_node=self.own_node,
            )
            self._walk = (data, walk)
        return self._walk[1]
