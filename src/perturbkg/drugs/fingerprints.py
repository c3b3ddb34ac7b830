"""Morgan fingerprints of molecules."""

import numpy as np
import polars as pl
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from perturbkg.errors import InputError

BITS = 2048


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
