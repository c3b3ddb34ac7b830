"""What a model is given: the merged graph, node features, drugs, cell lines; signatures come separately."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp

from perturbkg.graph.arrays import Features, Graph


@dataclass(frozen=True)
class Pairs:
    """(drug, cell line) pairs as rows of `Data.drugs` and `Data.cells`, and how the drug was given.

    A drug may come more than once in a cell line, at other doses and times. `dose` and `time` are more than
    0, NaN where unknown, and None where they are not read.
    """

    drug: np.ndarray  # (n,) int64
    cell: np.ndarray  # (n,) int64
    dose: np.ndarray | None = field(default=None, kw_only=True)  # (n,) float32, micromolar
    time: np.ndarray | None = field(default=None, kw_only=True)  # (n,) float32, hours

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.drug)

    def at(self, rows: np.ndarray) -> Self:
        """Return the pairs of some rows, with all that is known of them."""
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(self, **{name: value[rows] for name, value in known.items() if value is not None})


@dataclass(frozen=True)
class Signatures(Pairs):
    """Pairs with their observed delta profiles."""

    delta: np.ndarray  # (n, 978) float32


@dataclass(frozen=True)
class Data:
    """Everything but signatures. Drug d is node `drug_node[d]` and row d of `features["lincs_drug"]`."""

    graph: Graph
    """the merged graph (`perturbkg.graph.arrays`): message edges, types of nodes and relations"""
    features: dict[str, Features]
    """node type -> vectors of its nodes, those of all its encoders fused"""
    drugs: list[str]
    """ids of the drugs"""
    cells: list[str]
    """names of the cell lines"""
    genes: list[str]
    """the 978 landmark symbols, in the order of a profile"""
    drug_node: np.ndarray
    """(drugs,) int64: the node of each drug"""
    cell_node: np.ndarray
    """(cells,) int64: the node of each cell line"""
    gene_node: np.ndarray
    """(978,) int64: the node of each landmark gene, -1 if the graph lacks it"""
    scaffold_group: np.ndarray
    """(drugs,) int64: equal for drugs of one scaffold; each acyclic parent is alone"""
    fingerprints: np.ndarray
    """(drugs, 2048) uint8: Morgan radius 2, for Tanimoto; independent of the encoders"""
    targets: sp.csr_array
    """(drugs, genes that are the target of any drug) float32 0/1: known ones, never rewired"""
    baseline: np.ndarray
    """(cells, 978) float32: log2 expression"""
    smiles: list[str] | None = None
    """SMILES of each drug's parent molecule; None: molecules are compared by `fingerprints` alone"""
    imputed: sp.csr_array | None = None
    """like `targets`, weights of what molecules of similar structure bind, of a drug at most 1 together"""
    walks: Path | None = None
    """folder where jobs keep random walks for each other; None: they keep none"""

    @property
    def drug_features(self) -> np.ndarray:
        """(drugs, dim) float32: encoded structure (and more, if the config says so) of each drug."""
        return self.features["lincs_drug"].matrix

    @property
    def cell_features(self) -> np.ndarray:
        """(cells, dim) float32: encoded baseline (and more) of each cell line."""
        return self.features["cell_line"].matrix
