"""Valid molecules that share Bemis-Murcko scaffolds: rings, a linker, substituents, joined by RDKit."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import EnumerateStereoisomers as Stereo

# Sites of attachment: 1 and 2 carry substituents, 8 and 9 join ring and linker. Substituents hold no ring,
# so the Bemis-Murcko scaffold of a molecule is its core.
LEFT_RINGS = (
    "[*:1]c1cccc([*:9])c1",
    "[*:1]c1ccnc([*:9])c1",
    "[*:1]c1ccnc([*:9])n1",
    "[*:1]c1ccc2[nH]cc([*:9])c2c1",
    "[*:1]c1ccc2nccc([*:9])c2c1",
    "[*:1]c1ccc2ncnc([*:9])c2c1",
    "[*:1]c1ccc2[nH]c([*:9])nc2c1",
    "[*:1]c1csc([*:9])c1",
    "[*:1]c1coc([*:9])c1",
    "[*:1]c1csc([*:9])n1",
    "[*:1]c1cc([*:9])n(C)n1",
    "[*:1]c1ccn2cc([*:9])nc2c1",
    "[*:1]c1nc([*:9])c2nc[nH]c2n1",
    "[*:1]c1ccc2cc([*:9])ccc2c1",
    "[*:1]c1ccc2oc([*:9])cc2c1",
    "[*:1]c1ccc2c([*:9])n[nH]c2c1",
    "[*:1]c1cc([*:9])on1",
    "[*:1]c1nc(N)nc([*:9])n1",
    "[*:1]C1CCC([*:9])CC1",
    "[*:1]C1CCN(C)C([*:9])C1",
)
LINKERS = (
    "[*:9]N[*:8]",
    "[*:9]O[*:8]",
    "[*:9]C(=O)N[*:8]",
    "[*:9]CN[*:8]",
    "[*:9]CC[*:8]",
    "[*:9]S(=O)(=O)N[*:8]",
)
RIGHT_RINGS = (
    "[*:8]c1ccc([*:2])cc1",
    "[*:8]c1ccc([*:2])nc1",
    "[*:8]c1cc([*:2])cs1",
    "[*:8]C1CCC([*:2])CC1",
    "[*:8]C1CCN(C)C([*:2])C1",
    "[*:8]C1CC([*:2])C1",
)
CHAINS = (
    "[*:1]CC[*:2]",
    "[*:1]CCCC[*:2]",
    "[*:1]CC(C)CC[*:2]",
    "[*:1]CCOCC[*:2]",
    "[*:1]CCCCCC[*:2]",
    "[*:1]CC=CC[*:2]",
    "[*:1]CCC(=O)CC[*:2]",
    "[*:1]CC(C)(C)C[*:2]",
)
SUBSTITUENTS = (
    *("F", "Cl", "Br", "C", "CC", "C(C)C", "OC", "OCC", "O", "N", "N(C)C", "CN(C)C"),
    *("C#N", "C(F)(F)F", "OC(F)(F)F", "C(=O)O", "C(=O)N", "C(=O)OC", "S(C)(=O)=O", "CO"),
    *("SC", "NC(C)=O", "C(C)O", "C(C)CC"),
)
SCAFFOLDS_AT_MOST = len(LEFT_RINGS) * len(LINKERS) * len(RIGHT_RINGS)
ACYCLIC_SHARE = 0.05


@dataclass(frozen=True)
class Molecules:
    """Parent molecules, no two with the same first InChIKey block."""

    smiles: list[str]
    ring: np.ndarray  # (n,) row of LEFT_RINGS; -1 for an acyclic molecule
    substituents: np.ndarray  # (n, len(SUBSTITUENTS)) float32: how often each occurs


def design(n: int, scaffolds: int, rng: np.random.Generator) -> Molecules:
    """Make n distinct molecules on `scaffolds` cores, about 5% of them acyclic.

    A core has some 300 distinct substitutions; `SimulationOptions` keeps n far below that for each.
    """
    shape = (len(LEFT_RINGS), len(LINKERS), len(RIGHT_RINGS))
    chosen = rng.choice(SCAFFOLDS_AT_MOST, scaffolds, replace=False)
    cores = np.stack(np.unravel_index(chosen, shape), axis=1)  # (scaffolds, 3)
    smiles: list[str] = []
    ring: list[int] = []
    substituents: list[np.ndarray] = []
    seen: set[str] = set()
    while len(smiles) < n:
        # Scaffolds take turns, so that every one of them has members.
        left, linker, right = cores[len(smiles) % scaffolds]
        first, second = rng.integers(len(SUBSTITUENTS), size=2)
        acyclic = rng.random() < ACYCLIC_SHARE
        core = [CHAINS[rng.integers(len(CHAINS))]] if acyclic else []
        core = core or [LEFT_RINGS[left], LINKERS[linker], RIGHT_RINGS[right]]
        molecule = _join([*core, f"[*:1]{SUBSTITUENTS[first]}", f"[*:2]{SUBSTITUENTS[second]}"])
        parent = inchikey(molecule)[:14]
        if parent in seen:
            continue
        seen.add(parent)
        smiles.append(molecule)
        ring.append(-1 if acyclic else left)
        substituents.append(np.bincount([first, second], minlength=len(SUBSTITUENTS)))
    return Molecules(smiles, np.array(ring), np.array(substituents, np.float32))


def inchikey(smiles: str) -> str:
    """Return the InChIKey of a SMILES."""
    # InChI warns of undefined stereo centres, which are meant here.
    with rdBase.BlockLogs():
        return str(Chem.MolToInchiKey(Chem.MolFromSmiles(smiles)))


def salt(smiles: str) -> str:
    """Return a salt: the sodium salt of a carboxylic acid, the hydrochloride of anything else."""
    molecule = Chem.MolFromSmiles(smiles)
    acid = molecule.GetSubstructMatch(Chem.MolFromSmarts("C(=O)[OX2H1]"))
    if not acid:
        return f"{smiles}.Cl"
    molecule.GetAtomWithIdx(acid[2]).SetFormalCharge(-1)
    return f"{Chem.MolToSmiles(molecule)}.[Na+]"


def stereoisomer(smiles: str) -> str | None:
    """Return the first stereoisomer of a molecule, None where it has no undefined stereo centre."""
    molecule = Chem.MolFromSmiles(smiles)
    if Stereo.GetStereoisomerCount(molecule) < 2:
        return None
    options = Stereo.StereoEnumerationOptions(unique=True, maxIsomers=1, rand=0)
    return str(Chem.MolToSmiles(next(iter(Stereo.EnumerateStereoisomers(molecule, options=options)))))


def _join(fragments: list[str]) -> str:
    """Join fragments at their equal attachment numbers and return the canonical SMILES."""
    joined = Chem.molzip(Chem.MolFromSmiles(".".join(fragments)))
    return str(Chem.MolToSmiles(Chem.RemoveHs(joined)))
