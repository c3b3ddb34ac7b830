"""How alike molecules are: the Tanimoto similarity of their Morgan fingerprints."""

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


def nearest(queries: np.ndarray, references: np.ndarray, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """Return for each query the row of the most similar reference, the first of equals, and the similarity.

    Fingerprints are (n, bits) float32 of 0 and 1; two empty ones have similarity 0.
    """
    row = np.empty(len(queries), dtype=np.int64)
    similarity = np.empty(len(queries))
    sizes = references.sum(axis=1)
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        common = part @ references.T  # (block, references); whole numbers, exact in float32
        union = part.sum(axis=1)[:, None] + sizes - common
        tanimoto = common.astype(np.float64) / np.maximum(union, 1)
        row[start : start + block] = best = tanimoto.argmax(axis=1)
        similarity[start : start + block] = tanimoto[np.arange(len(part)), best]
    return row, similarity
