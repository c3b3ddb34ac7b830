"""A perceptron on [drug inputs | cell inputs]: what `mlp`, `mlp_no_drug` and `propagation` share.

It reads dose and time too where they vary in training.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models._neural import NeuralModel
from perturbkg.training.conditions import learn_conditions, read_conditions
from perturbkg.training.inputs import Block, learn_projections, project
from perturbkg.training.layers import perceptron, table
from perturbkg.training.loop import Network

NO_PAIRS = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))


class Inputs(NamedTuple):
    """What the network reads: frozen tables, and how the conditions of pairs are read."""

    drug: Tensor  # (drugs, a)
    cell: Tensor  # (cells, b)
    learned: Mapping[str, np.ndarray]  # what `learn_conditions` returned, among other names


@dataclass
class PerceptronModel(NeuralModel):
    """A neural model whose network is one perceptron; a subclass says what it reads of a drug."""

    conditions: ClassVar[bool] = True

    components: Annotated[int, Ge(1)] = 128
    """principal components kept of each block of inputs"""

    @abstractmethod
    def drug_blocks(self, data: Data) -> Sequence[Block]:
        """Return the blocks of drug inputs, (drugs, columns) each, as they are."""

    def prepare(self, data: Data, train: Signatures) -> dict[str, np.ndarray]:
        """Learn the principal components of each block, and the scale of dose and time."""
        projections = learn_projections(self.drug_blocks(data), data.cell_features, train, self.components)
        return projections | learn_conditions(train)

    def inputs(self, data: Data, prepared: dict[str, np.ndarray]) -> Inputs:
        """Return the projected tables of drugs (drugs, a) and of cell lines (cells, b)."""
        drug, cell = project(self.drug_blocks(data), data.cell_features, prepared)
        return Inputs(torch.from_numpy(drug), torch.from_numpy(cell), prepared)

    def network(self, inputs: Inputs, genes: int, generator: torch.Generator) -> Network:
        """Make the perceptron."""
        return PairPerceptron(
            inputs, genes, self.width, generator, input_dropout=self.input_dropout, dropout=self.dropout
        )


class PairPerceptron(Network):
    """Look up a pair's rows in two frozen tables; map them, and its conditions, to residuals."""

    def __init__(
        self,
        inputs: Inputs,
        genes: int,
        width: int,
        generator: torch.Generator,
        *,
        input_dropout: float,
        dropout: float,
    ) -> None:
        """Take what `PerceptronModel.inputs` returns."""
        super().__init__()
        self.drug, self.cell, self.learned = table(inputs.drug), table(inputs.cell), inputs.learned
        conditions = read_conditions(NO_PAIRS, inputs.learned).shape[1]
        self.body = perceptron(
            [inputs.drug.shape[1] + inputs.cell.shape[1] + conditions, width, genes],
            generator,
            input_dropout=input_dropout,
            dropout=dropout,
        )

    def rows(self, pairs: Pairs) -> tuple[Tensor, ...]:
        """Return the drug, cell line and conditions of each pair."""
        return *super().rows(pairs), torch.from_numpy(read_conditions(pairs, self.learned))

    def decode(self, encoded: None, drug: Tensor, cell: Tensor, *conditions: Tensor) -> Tensor:
        """Map pairs to residuals (pairs, genes)."""
        return self.body(torch.cat([self.drug[drug], self.cell[cell], *conditions], dim=1))
