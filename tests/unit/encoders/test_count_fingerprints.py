"""Count fingerprints: small molecules whose substructures can be counted."""

import numpy as np
import pytest

from perturbkg.encoders.count_fingerprints import CountFingerprints
from perturbkg.encoders.morgan import Morgan
from perturbkg.errors import InputError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def counts(smiles: str, *kinds: str, radius: int = 1) -> list[int]:
    (vector,) = np.expm1(CountFingerprints(kinds=kinds, radius=radius).encode([smiles]))
    return sorted(vector[vector > 0].round().astype(int).tolist())


def test_propane_by_hand() -> None:
    # Radius 0: three carbons of no class, or two CH3 and one CH2; radius 1: two ends, one middle.
    assert counts("CCC", "fcfp") == [1, 2, 3]
    assert counts("CCC", "morgan") == [1, 1, 2, 2]
    # Two pairs of neighbours, one of ends.
    assert counts("CCC", "atom_pairs") == [1, 2]


def test_pharmacophore_classes_do_not_tell_elements_apart() -> None:
    assert counts("CC", "fcfp", radius=0) == counts("[SiH3]C", "fcfp", radius=0) == [2]
    assert counts("[SiH3]C", "morgan", radius=0) == [1, 1]


def test_kinds_stand_side_by_side() -> None:
    together = CountFingerprints(bits=512).encode([ASPIRIN, "CCO"])
    alone = [
        CountFingerprints(kinds=(kind,), bits=512).encode([ASPIRIN, "CCO"])
        for kind in ("fcfp", "morgan", "atom_pairs")
    ]
    assert together.shape == (2, 3 * 512)
    assert np.array_equal(together, np.hstack(alone))


def test_morgan_counts_are_where_the_bits_of_morgan_are() -> None:
    counted = CountFingerprints(kinds=("morgan",)).encode([ASPIRIN])
    assert np.array_equal(counted > 0, Morgan().encode([ASPIRIN]) > 0)
    assert counted.max() == pytest.approx(np.log1p(4))  # aromatic CH


def test_unreadable_smiles_is_named() -> None:
    with pytest.raises(InputError, match="SMILES 'C1CC' cannot be read; correct or remove it"):
        CountFingerprints().encode(["C", "C1CC"])
