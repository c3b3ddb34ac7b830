"""Min/max Tanimoto of counts."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perturbkg.drugs.fingerprints import COUNTED, count_fingerprints
from perturbkg.drugs.similarity import count_tanimoto
from perturbkg.errors import InputError


def test_by_hand() -> None:
    found = count_tanimoto(sp.csr_array(np.array([[2, 0, 1], [1, 3, 1], [0, 0, 0]])))
    # min: 1 + 0 + 1 = 2; max: 2 + 3 + 1 = 6
    np.testing.assert_allclose(found, [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]], rtol=1e-6)


@given(arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 9)))
def test_is_sum_of_minima_over_sum_of_maxima(counts: np.ndarray) -> None:
    low = np.minimum(counts[:, None], counts).sum(axis=2)
    high = np.maximum(counts[:, None], counts).sum(axis=2)
    np.testing.assert_allclose(count_tanimoto(sp.csr_array(counts)), low / np.maximum(high, 1), atol=1e-6)


@pytest.mark.parametrize("kind", COUNTED)
def test_a_molecule_resembles_itself_most(kind: str) -> None:
    counts = count_fingerprints(["CCO", "CCCO", "c1ccccc1N"], kind)
    found = count_tanimoto(counts)
    np.testing.assert_allclose(found.diagonal(), 1)
    assert found[0, 1] > found[0, 2]


def test_an_unreadable_molecule_is_named() -> None:
    with pytest.raises(InputError, match="C1CC"):
        count_fingerprints(["C1CC"], "atoms")
