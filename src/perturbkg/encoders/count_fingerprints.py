"""Count fingerprints of a molecule: how often it has each substructure, on a log scale.

Beside Morgan's circular substructures (Rogers and Hahn 2010), their kin of pharmacophore classes in place of
elements (FCFP, the same paper), and pairs of atoms with the bonds between them (Carhart et al. 1985).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Len
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from perturbkg.encoders import Encoder, Modality
from perturbkg.errors import InputError

Kind = Literal["fcfp", "morgan", "atom_pairs"]


@dataclass(frozen=True)
class CountFingerprints(Encoder):
    """Hashed counts n as log(1 + n), one block for each kind; doi:10.1021/ci100050t, 10.1021/ci00046a002."""

    modality: ClassVar[Modality] = "smiles"

    kinds: Annotated[tuple[Kind, ...], Len(1)] = ("fcfp", "morgan", "atom_pairs")
    """fingerprints side by side: fcfp, morgan, atom_pairs"""
    radius: Annotated[int, Ge(0)] = 2
    """bonds around an atom, of fcfp and morgan"""
    bits: Annotated[int, Ge(1)] = 2048
    """length of each fingerprint"""

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode SMILES into (n, kinds x bits); raise InputError for one that RDKit cannot read."""
        generators = [GENERATORS[kind](self.radius, self.bits) for kind in self.kinds]
        matrix = np.zeros((len(inputs), len(generators), self.bits), dtype=np.float32)
        for row, smiles in enumerate(inputs):
            molecule = Chem.MolFromSmiles(smiles)
            if molecule is None:
                raise InputError(
                    f"SMILES {smiles!r} cannot be read; correct or remove it in the source table"
                )
            for block, generator in enumerate(generators):
                matrix[row, block] = generator.GetCountFingerprintAsNumPy(molecule)
        return np.log1p(matrix).reshape(len(inputs), -1)


def _fcfp(radius: int, bits: int) -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(
        radius=radius,
        fpSize=bits,
        atomInvariantsGenerator=rdFingerprintGenerator.GetMorganFeatureAtomInvGen(),
    )


def _morgan(radius: int, bits: int) -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits)


def _atom_pairs(radius: int, bits: int) -> Any:
    return rdFingerprintGenerator.GetAtomPairGenerator(fpSize=bits)


GENERATORS: dict[str, Callable[[int, int], Any]] = {
    "fcfp": _fcfp,
    "morgan": _morgan,
    "atom_pairs": _atom_pairs,
}
