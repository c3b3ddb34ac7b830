"""Edges of the simulated knowledge graph, as gene rows and drug numbers: planted edges and distractors."""

import numpy as np

from perturbkg.simulation.biology import Mechanism

CARRIERS = {"enzyme": 6, "transporter": 4, "carrier": 2}  # genes that bind many drugs and explain nothing
DUPLICATED = 6  # drug_protein edges that occur twice, as 370 rows of PrimeKG do
PPI_PER_GENE = 2
PPI_IN_PATHWAY = 0.7  # share of the PPI edges whose ends are in one pathway, planted or not


def drug_protein(
    of_linked: list[list[int]],
    other_drugs: int,
    mechanism: Mechanism,
    in_graph: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return display relation -> (drug number, gene row): targets, and the proteins that carry any drug.

    Drugs with signatures come first (`of_linked`: their targets), then `other_drugs`, half of whose targets
    are targets of planted pathways too.
    """
    drugs = len(of_linked) + other_drugs
    pairs = {"target": [(drug, gene) for drug, targets in enumerate(of_linked) for gene in targets]}
    for drug in range(len(of_linked), drugs):
        for _ in range(rng.integers(1, 4)):
            pool = mechanism.target if rng.random() < 0.5 else in_graph
            pairs["target"].append((drug, int(rng.choice(pool))))
    bulk = rng.permutation(np.setdiff1d(in_graph, mechanism.target))
    for kind, size in CARRIERS.items():
        pool, bulk = bulk[:size], bulk[size:]
        pairs[kind] = [(drug, int(rng.choice(pool))) for drug in range(drugs) if rng.random() < 0.5]
    # A pair has one display relation, and occurs once except for the rows doubled on purpose.
    found, seen = {}, set[tuple[int, int]]()
    for kind, of_kind in pairs.items():
        fresh = sorted(set(of_kind) - seen)
        seen |= set(fresh)
        drug_numbers, genes = np.array(fresh, dtype=np.int64).reshape(-1, 2).T
        found[kind] = (drug_numbers, genes)
    drug_numbers, genes = found["target"]
    again = rng.choice(len(genes), min(DUPLICATED, len(genes)), replace=False)
    found["target"] = (np.append(drug_numbers, drug_numbers[again]), np.append(genes, genes[again]))
    return found


def protein_protein(mechanism: Mechanism, in_graph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return distinct interactions (edges, 2) of rows of genes; no gene is left without one.

    Planted ones (indirect target, pathway member), others within any pathway, and between hubs.
    """
    slot, bound = np.nonzero(mechanism.via >= 0)
    planted = np.stack([mechanism.target[slot], mechanism.via[slot, bound]], axis=1)
    edges = PPI_PER_GENE * len(in_graph)
    pathways = rng.integers(len(mechanism.members), size=round(PPI_IN_PATHWAY * edges))
    together = np.array([rng.choice(mechanism.members[p], 2, replace=False) for p in pathways])
    hub = rng.lognormal(0.0, 1.0, len(in_graph))
    anywhere = rng.choice(in_graph, (edges - len(together), 2), p=hub / hub.sum())
    drawn = np.concatenate([planted, together, anywhere])
    lonely = np.setdiff1d(in_graph, drawn)
    drawn = np.concatenate([drawn, np.stack([lonely, rng.choice(in_graph, len(lonely))], axis=1)])
    return distinct_pairs(drawn)


def random_sets(n: int, size: int, pool: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return n sets of about `size` rows of genes."""
    sizes = rng.integers(size // 2, 3 * size // 2, size=n)
    return [rng.choice(pool, some, replace=False) for some in sizes]


def distinct_pairs(pairs: np.ndarray) -> np.ndarray:
    """Return distinct unordered pairs of two different ends (pairs, 2), sorted."""
    ordered = np.sort(pairs, axis=1)
    return np.unique(ordered[ordered[:, 0] < ordered[:, 1]], axis=0)
