"""Amino-acid composition, worked by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.encoders.amino_acids import ALPHABET, AminoAcids


def test_composition_by_hand() -> None:
    # Ten letters: four A, four C, one X and one *.
    row = AminoAcids().encode(["AACCAXCC*A"])[0]
    assert row.shape == (22,)
    assert row[ALPHABET.index("A")] == 0.5
    assert row[ALPHABET.index("C")] == 0.5
    assert np.isclose(row[20], 0.2)
    assert np.isclose(row[21], 1 / 5)  # log10(10) / 5


def test_dipeptides_by_hand() -> None:
    # Neighbours: AC, CA, then AX and XA (which do not count), then AA.
    row = AminoAcids(dipeptides=True).encode(["ACAXAA"])[0, 22:].reshape(20, 20)
    a, c = ALPHABET.index("A"), ALPHABET.index("C")
    assert np.allclose([row[a, c], row[c, a], row[a, a]], 1 / 3)
    assert np.isclose(row.sum(), 1)


def test_case_does_not_matter_and_other_scripts_are_other_letters() -> None:
    one, two = AminoAcids().encode(["mkta", "MKTA"])
    assert np.array_equal(one, two)
    assert AminoAcids().encode(["Ä"])[0, 20] == 1


@given(st.text(alphabet=ALPHABET + "XBZU*-", max_size=60))
def test_shares_add_up(sequence: str) -> None:
    row = AminoAcids(dipeptides=True).encode([sequence])[0]
    known = sum(letter in ALPHABET for letter in sequence)
    assert np.isclose(row[:20].sum(), known > 0)
    assert np.isclose(row[20], 1 - known / max(len(sequence), 1))
    assert row[22:].sum() == 0 or np.isclose(row[22:].sum(), 1)
    assert np.isfinite(row).all()
