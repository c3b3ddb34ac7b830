"""Draw a merged graph with PrimeKG's numbers of nodes and edges by type, times a factor.

PrimeKG's published counts (Chandak et al. 2023, doi:10.1038/s41597-023-01960-3) are of directed edges, each
pair both ways: 8,100,498. Ends are drawn with skewed degrees, so that hubs are as large as PrimeKG's. L1000
drugs are leaves: some are joined to a drug of the graph, some to a few proteins, as in LINCS2020.
"""

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Data, Signatures
from perturbkg.graph.arrays import Features, Graph

NODES = {
    "anatomy": 14_035,
    "biological_process": 28_642,
    "cellular_component": 4_176,
    "disease": 17_080,
    "drug": 7_957,
    "effect/phenotype": 15_311,
    "exposure": 818,
    "gene/protein": 27_671,
    "molecular_function": 11_169,
    "pathway": 2_516,
}
EDGES = {
    "anatomy_protein_present": ("anatomy", "gene/protein", 3_036_406),
    "drug_drug": ("drug", "drug", 2_672_628),
    "protein_protein": ("gene/protein", "gene/protein", 642_150),
    "disease_phenotype_positive": ("disease", "effect/phenotype", 300_634),
    "bioprocess_protein": ("biological_process", "gene/protein", 289_610),
    "cellcomp_protein": ("cellular_component", "gene/protein", 166_804),
    "disease_protein": ("disease", "gene/protein", 160_822),
    "molfunc_protein": ("molecular_function", "gene/protein", 139_060),
    "drug_effect": ("drug", "effect/phenotype", 129_568),
    "bioprocess_bioprocess": ("biological_process", "biological_process", 105_772),
    "pathway_protein": ("pathway", "gene/protein", 85_292),
    "disease_disease": ("disease", "disease", 64_388),
    "contraindication": ("drug", "disease", 61_350),
    "drug_protein": ("drug", "gene/protein", 51_306),
    "anatomy_protein_absent": ("anatomy", "gene/protein", 39_774),
    "phenotype_phenotype": ("effect/phenotype", "effect/phenotype", 37_472),
    "anatomy_anatomy": ("anatomy", "anatomy", 28_064),
    "molfunc_molfunc": ("molecular_function", "molecular_function", 27_148),
    "indication": ("drug", "disease", 18_776),
    "cellcomp_cellcomp": ("cellular_component", "cellular_component", 9_690),
    "phenotype_protein": ("effect/phenotype", "gene/protein", 6_660),
    "off-label use": ("drug", "disease", 5_136),
    "pathway_pathway": ("pathway", "pathway", 5_070),
    "exposure_disease": ("exposure", "disease", 4_608),
    "exposure_exposure": ("exposure", "exposure", 4_140),
    "exposure_bioprocess": ("exposure", "biological_process", 3_250),
    "exposure_protein": ("exposure", "gene/protein", 2_424),
    "disease_phenotype_negative": ("disease", "effect/phenotype", 2_386),
    "exposure_molfunc": ("exposure", "molecular_function", 90),
    "exposure_cellcomp": ("exposure", "cellular_component", 20),
}
GENES = 978
MATCHED, TARGETED, TARGETS = 0.2, 0.3, 3  # shares of the L1000 drugs that have an edge, and targets of each
EXPRESSED = 50  # edges of a cell line


def draw(
    factor: float = 1.0, *, drugs: int = 15_000, cells: int = 80, columns: int = 128, seed: int = 0
) -> Data:
    """Draw the merged graph at `factor` times PrimeKG's counts, with random features of `columns` numbers."""
    rng = np.random.default_rng(seed)
    counts = {name: max(round(factor * count), 1) for name, count in NODES.items()}
    counts |= {"lincs_drug": drugs, "cell_line": cells}
    types = sorted(counts)
    first = dict(zip(types, np.cumsum([0, *(counts[name] for name in types)]).tolist(), strict=False))
    share = {name: skewed(count, rng) for name, count in counts.items()}

    def ends(node_type: str, number: int) -> np.ndarray:
        # Much faster than rng.choice with probabilities: a sorted search in the cumulative shares.
        drawn = np.searchsorted(share[node_type], rng.random(number))
        return first[node_type] + np.minimum(drawn, counts[node_type] - 1)

    parts = [
        (ends(one, number), ends(other, number))
        for one, other, both in EDGES.values()
        for number in [max(round(factor * both / 2), 1)]
    ]
    matched = first["lincs_drug"] + rng.permutation(drugs)[: round(MATCHED * drugs)]
    targeted = np.repeat(first["lincs_drug"] + rng.permutation(drugs)[: round(TARGETED * drugs)], TARGETS)
    lines = np.repeat(first["cell_line"] + np.arange(cells), EXPRESSED)
    parts += [
        (matched, ends("drug", len(matched))),
        (targeted, ends("gene/protein", len(targeted))),
        (lines, ends("gene/protein", len(lines))),
    ]
    relations = [*EDGES, "lincs_drug_is_drug", "lincs_drug_targets_protein", "cell_expresses_protein"]
    graph = Graph.from_edges(
        np.concatenate([head for head, _ in parts]),
        np.concatenate([tail for _, tail in parts]),
        np.repeat(np.arange(len(parts)), [len(head) for head, _ in parts]),
        node_type=np.repeat(np.arange(len(types)), [counts[name] for name in types]),
        types=types,
        relations=relations,
    )
    features = {
        name: Features(rng.standard_normal((count, columns), np.float32), np.ones(count, bool))
        for name, count in counts.items()
    }
    return Data(
        graph=graph,
        features=features,
        drugs=[f"D{drug}" for drug in range(drugs)],
        cells=[f"C{cell}" for cell in range(cells)],
        genes=[f"G{gene}" for gene in range(GENES)],
        drug_node=first["lincs_drug"] + np.arange(drugs),
        cell_node=first["cell_line"] + np.arange(cells),
        gene_node=np.full(GENES, -1),
        scaffold_group=np.arange(drugs),
        fingerprints=np.zeros((drugs, 0), np.uint8),
        targets=sp.csr_array((drugs, 0), dtype=np.float32),
        baseline=np.zeros((cells, GENES), np.float32),
    )


def skewed(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return cumulative shares (count,) of nodes whose degrees fall as a power of their rank, shuffled."""
    share = rng.permutation(np.arange(1, count + 1) ** -0.55)
    return np.cumsum(share / share.sum())


def draw_signatures(data: Data, count: int, seed: int = 0) -> Signatures:
    """Draw pairs and their deltas: noise, since only time is measured."""
    rng = np.random.default_rng(seed)
    return Signatures(
        rng.integers(0, len(data.drugs), count),
        rng.integers(0, len(data.cells), count),
        rng.standard_normal((count, GENES), np.float32),
    )
