"""Morgan fingerprints: small molecules whose circles can be counted."""

import numpy as np
import pytest

from perturbkg.encoders.morgan import Morgan
from perturbkg.errors import InputError


def test_atoms_of_ethanol_by_hand() -> None:
    # Radius 0 sees each kind of atom once: CH3, CH2, OH.
    assert Morgan(radius=0).encode(["CCO"]).sum() == 3
    # Two CH3 are one kind of atom.
    assert Morgan(radius=0).encode(["CC"]).sum() == 1


def test_bits_are_zero_or_one_and_as_many_as_requested() -> None:
    matrix = Morgan(bits=512).encode(["CC(=O)Oc1ccccc1C(=O)O", "CCO"])
    assert matrix.shape == (2, 512)
    assert set(np.unique(matrix)) == {0, 1}


def test_the_way_a_molecule_is_written_does_not_matter() -> None:
    one, two = Morgan().encode(["OCC", "CCO"])
    assert np.array_equal(one, two)


def test_a_larger_radius_adds_circles() -> None:
    small = Morgan(radius=1).encode(["CC(=O)Oc1ccccc1C(=O)O"])
    assert (Morgan(radius=2).encode(["CC(=O)Oc1ccccc1C(=O)O"]) >= small).all()


def test_unreadable_smiles_is_named() -> None:
    with pytest.raises(InputError, match="SMILES 'C1CC' cannot be read; correct or remove it"):
        Morgan().encode(["C", "C1CC"])
