"""A small hand-built world for the contract tests, with every kind of node, feature and gap."""

import numpy as np
import pytest
import scipy.sparse as sp

from perturbkg.data import Data
from perturbkg.graph.arrays import Features, Graph

TYPES = ["cell_line", "disease", "gene/protein", "lincs_drug"]
RELATIONS = [
    "disease_protein",
    "protein_protein",
    "cell_expresses_protein",
    "lincs_drug_targets_protein",
    "lincs_drug_similar_to_target",
]
# Node numbers: cell lines 0-2, diseases 3-5, genes 6-21, drugs 22-29.
CELL, DISEASE, GENE, DRUG = 0, 3, 6, 22
COUNTS = {"cell_line": 3, "disease": 3, "gene/protein": 16, "lincs_drug": 8}
EDGES = {
    "disease_protein": [(3, 6), (3, 7), (4, 8), (4, 9), (5, 6), (5, 10)],
    # a ring of the sixteen genes with four chords
    "protein_protein": [(6 + i, 6 + (i + 1) % 16) for i in range(16)] + [(6, 14), (7, 11), (8, 18), (9, 21)],
    "cell_expresses_protein": [(0, 6), (0, 7), (0, 8), (1, 9), (1, 10), (1, 11), (2, 12), (2, 13), (2, 6)],
    # the last drug has no target and so no edge
    "lincs_drug_targets_protein": [(22 + d, 6 + g) for d in range(7) for g in {2 * d, (3 * d + 1) % 16}],
    "lincs_drug_similar_to_target": [(22 + d, 6 + g) for d in range(4) for g in {d, (5 * d + 3) % 16}],
}


@pytest.fixture
def data() -> Data:
    """Return 8 drugs, 3 cell lines, 978 genes (12 of them in the graph), 30 nodes and about 50 edges."""
    rng = np.random.default_rng(7)
    pairs = [(head, tail, code) for code, name in enumerate(RELATIONS) for head, tail in EDGES[name]]
    head, tail, relation = np.array(pairs).T
    similar = relation == RELATIONS.index("lincs_drug_similar_to_target")
    weight = np.where(similar, 0.1 + 0.1 * (tail % 5), 1.0)
    graph = Graph.from_edges(
        head,
        tail,
        relation,
        node_type=np.repeat(np.arange(len(TYPES)), list(COUNTS.values())),
        types=TYPES,
        relations=RELATIONS,
        weight=weight,
    )
    fingerprints = (rng.random((8, 2048)) < 0.03).astype(np.uint8)
    baseline = rng.normal(8, 2, (3, 978)).astype(np.float32)
    encoded = np.ones(16, dtype=bool)
    encoded[[3, 11]] = False  # two genes without a sequence
    genes = rng.normal(size=(16, 5)).astype(np.float32) * encoded[:, None]
    targets = np.zeros((8, 16), dtype=np.float32)
    for drug, gene in EDGES["lincs_drug_targets_protein"]:
        targets[drug - DRUG, gene - GENE] = 1
    imputed = np.zeros_like(targets)
    imputed[head[similar] - DRUG, tail[similar] - GENE] = weight[similar]
    gene_node = np.full(978, -1, dtype=np.int64)
    gene_node[:12] = GENE + np.arange(12)
    return Data(
        graph=graph,
        features={
            "cell_line": Features(baseline, np.ones(3, dtype=bool)),
            "disease": Features(np.zeros((3, 4), dtype=np.float32), np.zeros(3, dtype=bool)),
            "gene/protein": Features(genes, encoded),
            "lincs_drug": Features(fingerprints.astype(np.float32), np.ones(8, dtype=bool)),
        },
        drugs=[f"BRD-{d}" for d in range(8)],
        cells=["A375", "MCF7", "PC3"],
        genes=[f"GENE{g}" for g in range(978)],
        drug_node=DRUG + np.arange(8),
        cell_node=CELL + np.arange(3),
        gene_node=gene_node,
        scaffold_group=np.array([0, 0, 1, 2, 3, 3, 4, 5]),
        fingerprints=fingerprints,
        targets=sp.csr_array(targets),
        imputed=sp.csr_array(imputed),
        baseline=baseline,
    )
