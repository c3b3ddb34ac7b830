"""A world of five drugs, two cell lines and four genes, small enough to compute by hand."""

import numpy as np
import pytest
import scipy.sparse as sp

from perturbkg.data import Data
from perturbkg.graph.arrays import Features, Graph

BITS = [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1], [4], []]  # set bits of each drug's fingerprint


@pytest.fixture
def data() -> Data:
    """Return drugs 0-4 (nodes 4-8), cell lines 0-1 (nodes 0-1), and genes 0-1 (nodes 2-3)."""
    fingerprints = np.zeros((5, 2048), np.uint8)
    for drug, bits in enumerate(BITS):
        fingerprints[drug, bits] = 1
    baseline = np.array([[8, 7, 6, 5], [5, 6, 7, 9]], np.float32)
    targets = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 1]], np.float32)
    drug, gene = np.nonzero(targets)
    return Data(
        graph=Graph.from_edges(
            np.append(drug + 4, 0),
            np.append(gene + 2, 2),
            np.append(np.zeros(len(drug), int), 1),
            node_type=np.repeat([0, 1, 2], [2, 2, 5]),
            types=["cell_line", "gene/protein", "lincs_drug"],
            relations=["lincs_drug_targets_protein", "cell_expresses_protein"],
        ),
        features={
            "cell_line": Features(baseline, np.ones(2, bool)),
            "gene/protein": Features(np.zeros((2, 0), np.float32), np.zeros(2, bool)),
            "lincs_drug": Features(fingerprints[:, :8].astype(np.float32), np.ones(5, bool)),
        },
        drugs=[f"D{d}" for d in range(5)],
        cells=["A", "B"],
        genes=["G0", "G1", "G2", "G3"],
        drug_node=np.arange(4, 9),
        cell_node=np.arange(2),
        gene_node=np.array([2, 3, -1, -1]),
        scaffold_group=np.arange(5),
        fingerprints=fingerprints,
        targets=sp.csr_array(targets),
        baseline=baseline,
    )
