"""Small files of observations, predictions and training means."""

import numpy as np
import polars as pl
import pytest

from perturbkg.io.matrices import write_matrix

GENES = ["10", "20", "30", "40"]


@pytest.fixture
def matrix(tmp_path):
    """Return a function that writes an AnnData file; the index of obs comes first."""

    def write(name, X, obs, genes=GENES):
        path = tmp_path / f"{name}.h5ad"
        write_matrix(np.asarray(X), pl.DataFrame(obs), pl.DataFrame({"entrez": genes}), path)
        return path

    return write


@pytest.fixture
def truth(matrix):
    """Write three signatures in two cell lines."""
    return matrix(
        "truth",
        [[1, 2, 3, 4], [5, 6, 7, 9], [0, 0, 1, 1]],
        {"signature": ["s1", "s2", "s3"], "drug": ["a", "b", "a"], "cell": ["A549", "A549", "MCF7"]},
    )


@pytest.fixture
def means(matrix):
    """Write their training means, in another order, and one more cell line."""
    return matrix("means", [[9, 9, 9, 9], [2, 2, 2, 2], [1, 1, 1, 1]], {"cell": ["PC3", "MCF7", "A549"]})
