"""Compounds of the simulated world, and which raw file names which of their targets."""

from dataclasses import dataclass

import numpy as np

from perturbkg.simulation.biology import Genes, Mechanism
from perturbkg.simulation.molecules import Molecules, design, inchikey, salt, stereoisomer
from perturbkg.simulation.options import SimulationOptions

VARIANT_SHARE = 0.08  # salts and stereoisomers among the compounds
UNMEASURED_SHARE = 0.1  # compounds in the table without signatures, relative to those with
NAMED_SHARE = 0.7
IN_GRAPH_SHARE = 0.8
UNLISTED_CHANCE = 0.38  # of a compound in the graph to have no target in the compound table: about 30% of all
WAYS = {"name": 0.4, "xref": 0.3, "inchikey": 0.25, "none": 0.05}  # how a compound is found in the graph
UNPARSABLE = "C1CC(=O)NC2"  # two rings that are never closed


@dataclass(frozen=True)
class Compounds:
    """Compounds (rows of the compound table) and the parents that they are forms of."""

    pert_id: list[str]
    name: list[str]
    smiles: list[str | None]
    inchikey: list[str | None]
    parent: np.ndarray  # (compounds,) rows of `molecules`
    measured: np.ndarray  # (compounds,) bool: has signatures
    usable: np.ndarray  # (compounds,) bool: has a structure that parses
    molecules: Molecules


@dataclass(frozen=True)
class Known:
    """What the raw files say about each parent. Every true target is in at least one of them."""

    way: np.ndarray  # (parents,) a key of WAYS; "" for a parent that the graph lacks
    in_table: list[list[int]]  # rows of genes named by compoundinfo
    in_graph: list[list[int]]  # rows of genes that the graph calls target


def make_compounds(options: SimulationOptions, rng: np.random.Generator) -> Compounds:
    """Make `drugs` usable compounds, salts and stereoisomers among them, two defective ones, and others.

    The compounds beyond those have no signatures, as most of the real table.
    """
    variants = max(2, round(VARIANT_SHARE * options.drugs))
    usable = options.drugs - variants
    unmeasured = max(2, round(UNMEASURED_SHARE * options.drugs))
    molecules = design(usable + 2 + unmeasured, options.scaffolds, rng)
    parent = np.arange(len(molecules.smiles))
    smiles: list[str | None] = [*molecules.smiles]
    for turn, origin in enumerate(rng.choice(usable, variants, replace=False)):
        isomer = stereoisomer(molecules.smiles[origin]) if turn % 2 else None
        smiles.append(isomer or salt(molecules.smiles[origin]))
        parent = np.append(parent, origin)
    keys = [inchikey(text) for text in smiles if text is not None]
    digits = rng.choice(10**8, len(smiles), replace=False)
    # BRD-A marks unspecified stereo, BRD-K the rest; forms of one parent share no id here.
    pert_id = [f"BRD-{'A' if row % 4 == 0 else 'K'}{number:08d}" for row, number in enumerate(digits)]
    named = rng.random(len(molecules.smiles)) < NAMED_SHARE
    name = [f"simulant-{p + 1:03d}" if named[p] else own for p, own in zip(parent, pert_id, strict=True)]
    defective = np.isin(parent, [usable, usable + 1])
    measured = (parent < usable) | defective
    smiles[usable], smiles[usable + 1] = UNPARSABLE, None
    inchikeys = [None if bad else key for bad, key in zip(defective, keys, strict=True)]
    return Compounds(pert_id, name, smiles, inchikeys, parent, measured, ~defective, molecules)


def make_known(
    compounds: Compounds, genes: Genes, mechanism: Mechanism, affinity: np.ndarray, rng: np.random.Generator
) -> Known:
    """Decide for each parent which file names which target; both name a few false ones."""
    parents = len(affinity)
    way = rng.choice(list(WAYS), parents, p=list(WAYS.values()))
    nameless = np.array([compounds.name[p] == compounds.pert_id[p] for p in range(parents)])
    way[(way == "name") & nameless] = "xref"
    way[rng.random(parents) >= IN_GRAPH_SHARE] = ""
    found = (way != "") & (way != "none")
    listed = ~found | (rng.random(parents) >= UNLISTED_CHANCE)
    anything = np.flatnonzero(genes.in_graph)
    in_table: list[list[int]] = []
    in_graph: list[list[int]] = []
    for p in range(parents):
        table, graph = set[int](), set[int]()
        for gene in mechanism.target[np.flatnonzero(affinity[p])]:
            if listed[p] and (not found[p] or rng.random() < 0.85):
                table.add(int(gene))
            if way[p] and (gene not in table or rng.random() < 0.8):
                graph.add(int(gene))
        if listed[p] and rng.random() < 0.1:
            table.add(int(rng.choice(anything)))
        if way[p] and rng.random() < 0.15:
            graph.add(int(rng.choice(anything)))
        in_table.append(sorted(table))
        in_graph.append(sorted(graph))
    return Known(way, in_table, in_graph)
