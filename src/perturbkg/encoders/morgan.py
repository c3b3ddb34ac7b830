"""Morgan fingerprint of a molecule: which circular substructures it has (Rogers and Hahn 2010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from perturbkg.encoders import Encoder, Modality
from perturbkg.errors import InputError


@dataclass(frozen=True)
class Morgan(Encoder):
    """Hashed circular fingerprint, 0 or 1 in each bit; doi:10.1021/ci100050t."""

    modality: ClassVar[Modality] = "smiles"

    radius: Annotated[int, Ge(0)] = 2
    """bonds around an atom"""
    bits: Annotated[int, Ge(1)] = 2048
    """length of the fingerprint"""

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode SMILES into (n, bits); raise InputError for one that RDKit cannot read."""
        generator = rdFingerprintGenerator.GetMorganGenerator(radius=self.radius, fpSize=self.bits)
        matrix = np.zeros((len(inputs), self.bits), dtype=np.float32)
        for row, smiles in enumerate(inputs):
            molecule = Chem.MolFromSmiles(smiles)
            if molecule is None:
                raise InputError(
                    f"SMILES {smiles!r} cannot be read; correct or remove it in the source table"
                )
            matrix[row] = generator.GetFingerprintAsNumPy(molecule)
        return matrix
