"""A perceptron on [drug inputs | cell inputs]: what `mlp`, `mlp_no_drug` and `propagation` share."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from perturbkg.data import Data, Signatures
from perturbkg.models._neural import NeuralModel
from perturbkg.training.inputs import Block, learn_projections, project
from perturbkg.training.layers import perceptron, table
from perturbkg.training.loop import Network


@dataclass
class PerceptronModel(NeuralModel):
    """A neural model whose network is one perceptron; a subclass says what it reads of a drug."""

    components: Annotated[int, Ge(1)] = 128
    """principal components kept of each block of inputs"""

    @abstractmethod
    def drug_blocks(self, data: Data) -> Sequence[Block]:
        """Return the blocks of drug inputs, (drugs, columns) each, as they are."""

    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn the principal components of each block."""
        return learn_projections(self.drug_blocks(data), data.cell_features, train, self.components)

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> tuple[Tensor, Tensor]:
        """Return the projected tables of drugs (drugs, a) and of cell lines (cells, b)."""
        drug, cell = project(self.drug_blocks(data), data.cell_features, prepared)
        return torch.from_numpy(drug), torch.from_numpy(cell)

    def network(self, inputs: tuple[Tensor, Tensor], genes: int, generator: torch.Generator) -> Network:
        """Make the perceptron."""
        return PairPerceptron(
            *inputs, genes, self.width, generator, input_dropout=self.input_dropout, dropout=self.dropout
        )


class PairPerceptron(Network):
    """Look up a pair's rows in two frozen tables and map them to residuals."""

    def __init__(
        self,
        drug: Tensor,
        cell: Tensor,
        genes: int,
        width: int,
        generator: torch.Generator,
        *,
        input_dropout: float,
        dropout: float,
    ) -> None:
        """Take tables (drugs, a) and (cells, b)."""
        super().__init__()
        self.drug, self.cell = table(drug), table(cell)
        self.body = perceptron(
            [drug.shape[1] + cell.shape[1], width, genes],
            generator,
            input_dropout=input_dropout,
            dropout=dropout,
        )

    def decode(self, encoded: None, drug: Tensor, cell: Tensor) -> Tensor:
        """Map pairs to residuals (pairs, genes)."""
        return self.body(torch.cat([self.drug[drug], self.cell[cell]], dim=1))
