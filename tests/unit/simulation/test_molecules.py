"""Molecules: valid, distinct, on shared scaffolds; salts and stereoisomers keep their parent."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from perturbkg.simulation import molecules
from perturbkg.simulation.molecules import design, inchikey, salt, stereoisomer


def test_designed_molecules_share_scaffolds_and_all_differ() -> None:
    made = design(60, 6, np.random.default_rng(0))
    scaffolds = [MurckoScaffold.MurckoScaffoldSmiles(smiles) for smiles in made.smiles]
    cyclic = made.ring >= 0
    assert len({inchikey(smiles)[:14] for smiles in made.smiles}) == 60
    assert len(set(np.array(scaffolds)[cyclic])) == 6
    assert set(np.array(scaffolds)[~cyclic]) == {""}
    assert 0 < (~cyclic).sum() < 15
    assert made.substituents.sum(axis=1).tolist() == [2.0] * 60


def test_equal_generator_states_make_equal_molecules() -> None:
    assert design(20, 4, np.random.default_rng(3)).smiles == design(20, 4, np.random.default_rng(3)).smiles


@pytest.mark.parametrize("core", [*molecules.LEFT_RINGS, *molecules.RIGHT_RINGS, *molecules.CHAINS])
def test_every_core_accepts_every_substituent(core: str) -> None:
    for substituent in molecules.SUBSTITUENTS:
        parts = [core, *(f"[*:{site}]{substituent}" for site in (1, 2, 8, 9) if f"[*:{site}]" in core)]
        whole = molecules._join(parts)
        assert "*" not in whole
        assert Chem.MolFromSmiles(whole) is not None


def test_salts_by_hand() -> None:
    assert salt("CC(=O)O") == "CC(=O)[O-].[Na+]"
    assert salt("CN") == "CN.Cl"


def test_a_stereoisomer_has_the_connectivity_of_its_parent() -> None:
    isomer = stereoisomer("CCC(C)O")
    assert isomer in {"CC[C@@H](C)O", "CC[C@H](C)O"}
    assert inchikey(isomer)[:14] == inchikey("CCC(C)O")[:14]
    assert inchikey(isomer) != inchikey("CCC(C)O")
    assert stereoisomer("c1ccccc1") is None
