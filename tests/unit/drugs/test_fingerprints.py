"""Fingerprints: unreadable structures are named. Bits are compared with RDKit's in test_similarity.py."""

import polars as pl
import pytest

from perturbkg.drugs.fingerprints import fingerprints
from perturbkg.errors import InputError


def test_an_unreadable_structure_is_named():
    with pytest.raises(InputError, match=r"'C\(\(' of drug BRD-9 cannot be read; exclude the drug"):
        fingerprints(pl.DataFrame({"drug": ["BRD-9"], "smiles": ["C(("]}))
