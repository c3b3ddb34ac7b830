"""Fingerprints of molecules: Morgan bits for Tanimoto, and counts of three kinds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from perturbkg.errors import InputError

BITS = 2048

#: Count fingerprints: name -> generator of RDKit. Circular substructures by pharmacophoric features (FCFP)
#: and by atoms (Morgan), and pairs of atoms with the bonds between them.
COUNTED: dict[str, Any] = {
    "features": lambda: rdFingerprintGenerator.GetMorganGenerator(
        radius=2, fpSize=BITS, atomInvariantsGenerator=rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    ),
    "atoms": lambda: rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2 * BITS),
    "pairs": lambda: rdFingerprintGenerator.GetAtomPairGenerator(fpSize=2 * BITS),
}


def fingerprints(drugs: pl.DataFrame) -> np.ndarray:
    """Return the Morgan fingerprints of radius 2: (drugs, 2048) float32 of 0 and 1."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
    matrix = np.empty((len(drugs), BITS), dtype=np.float32)
    for row, (drug, smiles) in enumerate(drugs.select("drug", "smiles").iter_rows()):
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise InputError(f"drugs: the SMILES {smiles!r} of drug {drug} cannot be read; exclude the drug")
        matrix[row] = generator.GetFingerprintAsNumPy(molecule)
    return matrix


def count_fingerprints(smiles: Sequence[str], kind: str) -> sp.csr_array:
    """Return how often each substructure of a kind of `COUNTED` occurs: (molecules, bits) int64.

    Raises InputError for a SMILES that RDKit cannot read.
    """
    generator = COUNTED[kind]()
    columns, counts, starts = [], [], [0]
    for text in smiles:
        molecule = Chem.MolFromSmiles(text)
        if molecule is None:
            raise InputError(f"drugs: the SMILES {text!r} cannot be read; exclude the drug")
        row = generator.GetCountFingerprintAsNumPy(molecule)
        present = np.flatnonzero(row)
        columns.append(present)
        counts.append(row[present].astype(np.int64))
        starts.append(starts[-1] + len(present))
    bits = generator.GetOptions().fpSize
    return sp.csr_array(
        (np.concatenate(counts), np.concatenate(columns), np.array(starts)), shape=(len(smiles), bits)
    )
