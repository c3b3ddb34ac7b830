"""Genes, pathways, targets and cell lines of the simulated world: the mechanism that truth records."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from perturbkg.simulation.molecules import LEFT_RINGS
from perturbkg.simulation.options import LANDMARKS, SimulationOptions

MEMBERS = (35, 65)  # genes of a pathway, at least and below
MISSING_LANDMARKS = 3  # landmark genes that the knowledge graph lacks
BOUND_MEMBERS = 3  # members of the pathway that an indirect target binds
FAMILY_FROM_RING = 0.6  # chance that a target belongs to the family of the drug's left ring
SECOND_TARGET = 0.5  # chance that a drug has a second target
HALF_EXPRESSED = 7.0  # log2 expression at which a target acts by half


@dataclass(frozen=True)
class Genes:
    """Genes in ascending order of Entrez id."""

    entrez: np.ndarray  # (genes,) int
    symbol: np.ndarray  # (genes,) str
    landmarks: np.ndarray  # (978,) rows of the landmark genes
    inferred: np.ndarray  # rows of the genes in the GCTX that are not landmarks
    in_graph: np.ndarray  # (genes,) bool


@dataclass(frozen=True)
class Mechanism:
    """Pathways and the targets that drive the planted ones. A slot is one target of one planted pathway."""

    members: list[np.ndarray]  # rows of genes of each pathway
    planted: np.ndarray  # (planted,) pathway numbers
    weights: np.ndarray  # (planted, 978) float32: signed response of landmark genes, 0 for other genes
    target: np.ndarray  # (slots,) rows of genes, no gene twice
    via: np.ndarray  # (slots, 3) the members that an indirect target binds; -1 for a target that is a member
    slot_pathway: np.ndarray  # (slots,) index into `planted`


def make_genes(options: SimulationOptions, rng: np.random.Generator) -> Genes:
    """Draw genes. Symbols do not ascend with Entrez ids, nor do these have one length, as in reality."""
    entrez = np.sort(rng.choice(np.arange(2, 120_000), options.genes, replace=False))
    number = rng.permutation(options.genes)
    symbol = np.array([f"GENE{i + 1:04d}" for i in number])
    order = rng.permutation(options.genes)
    landmarks = np.sort(order[:LANDMARKS])
    inferred = np.sort(order[LANDMARKS : LANDMARKS + options.inferred_genes])
    in_graph = np.ones(options.genes, bool)
    in_graph[rng.choice(landmarks, MISSING_LANDMARKS, replace=False)] = False
    return Genes(entrez, symbol, landmarks, inferred, in_graph)


def make_mechanism(options: SimulationOptions, genes: Genes, rng: np.random.Generator) -> Mechanism:
    """Draw pathways, their targets (half members, half one PPI away from three) and signed weights."""
    candidates = np.flatnonzero(genes.in_graph)
    responding = genes.landmarks[genes.in_graph[genes.landmarks]]
    # Half landmark genes at least, so that every pathway can be seen to answer, however many genes there are.
    members = [
        np.union1d(rng.choice(responding, size // 2, replace=False), rng.choice(candidates, size // 2))
        for size in rng.integers(*MEMBERS, size=options.pathways)
    ]
    planted = np.sort(rng.choice(options.pathways, options.planted_pathways, replace=False))
    slots = options.planted_pathways * options.targets_per_pathway
    target = rng.choice(candidates, slots, replace=False)
    slot_pathway = np.repeat(np.arange(options.planted_pathways), options.targets_per_pathway)
    via = np.full((slots, BOUND_MEMBERS), -1)
    for slot, pathway in enumerate(slot_pathway):
        belongs = members[planted[pathway]]
        outsiders = belongs[~np.isin(belongs, target)]
        if slot % 2 == 0:
            members[planted[pathway]] = np.union1d(belongs, target[slot])
        else:
            # The path of an indirect target is longer than the one a multi-hot vector could learn from.
            members[planted[pathway]] = belongs[belongs != target[slot]]
            via[slot] = rng.choice(outsiders, BOUND_MEMBERS, replace=False)
    sets = [np.flatnonzero(np.isin(genes.landmarks, members[pathway])) for pathway in planted]
    return Mechanism(members, planted, signed_loadings(sets, rng), target, via, slot_pathway)


def signed_loadings(sets: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return (sets, 978) float32 weights: random sign, heavy-tailed size, zero outside each set."""
    weights = np.zeros((len(sets), LANDMARKS), np.float32)
    for row, members in enumerate(sets):
        weights[row, members] = rng.choice([-1, 1], len(members)) * rng.gamma(2.0, 0.5, len(members))
    return weights


def assign_targets(mechanism: Mechanism, ring: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the affinity of each compound for each slot: (compounds, slots) float32, zero for most.

    ASSUME a target family is the targets of one pathway, and compounds with the same left ring prefer one
    family, so that structure says something about the target. ASSUME every compound inhibits its targets.
    """
    families = len(mechanism.planted)
    family_of_ring = rng.integers(families, size=len(LEFT_RINGS))
    affinity = np.zeros((len(ring), len(mechanism.target)), np.float32)
    for compound, left in enumerate(ring):
        for _ in range(1 + int(rng.random() < SECOND_TARGET)):
            follows = left >= 0 and rng.random() < FAMILY_FROM_RING
            family = family_of_ring[left] if follows else rng.integers(families)
            slot = rng.choice(np.flatnonzero(mechanism.slot_pathway == family))
            affinity[compound, slot] = rng.uniform(0.5, 1.5)
    return affinity


def make_baseline(cells: int, genes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return log2 expression (cells, genes) and the factors (cells, k) that shape it.

    ASSUME cell lines differ along a few factors (lineage, state) and gene by gene; mean and spread over all
    values follow L1000 Level 3 (8.4 and 2.2).
    """
    factors = rng.normal(size=(cells, 4))
    level = rng.normal(8.4, 1.9, genes)
    expression = level + 0.4 * factors @ rng.normal(size=(4, genes)) + 0.7 * rng.normal(size=(cells, genes))
    return np.clip(expression, 2.0, 15.0).astype(np.float32), factors


def target_activity(baseline: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return how much each target acts in each cell line: (cells, slots) in (0, 1).

    ASSUME a target acts only as much as it is expressed.
    """
    return np.asarray(expit(baseline[:, target] - HALF_EXPRESSED), np.float32)
