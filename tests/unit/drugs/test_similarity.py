"""Tanimoto similarity by hand and against RDKit."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from perturbkg.drugs.fingerprints import fingerprints
from perturbkg.drugs.similarity import nearest, tanimoto

SMILES = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "OC(=O)c1ccccc1O", "C"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_tanimoto_of_bits_is_common_bits_over_all_bits(seed: int, left: int, right: int):
    a, b = (np.random.default_rng(seed).random((rows, 30)) < 0.2 for rows in (left, right))
    expected = [[(x & y).sum() / max((x | y).sum(), 1) for y in b] for x in a]
    assert tanimoto(b.astype(np.uint8))(a.astype(np.uint8)).tolist() == expected


def test_tanimoto_of_real_vectors_by_hand():
    # <a, b> = 3, <a, a> = 5, <b, b> = 10: 3 / 12; a vector with itself 1; the zero vector 0.
    vectors = np.array([[1, 2, 0], [3, 0, 1], [0, 0, 0]], np.float32)
    assert tanimoto(vectors)(vectors).tolist() == [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 0]]


def test_nearest_by_hand():
    # Common bits over all bits: 1/3, 2/3 and 2/4; then two equal references, the first of which counts.
    queries = np.array([[1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float32)
    references = np.array([[0, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0]], dtype=np.float32)
    row, similarity = nearest(queries, references)
    assert row.tolist() == [1, 2]
    assert similarity == pytest.approx([2 / 3, 1 / 4])


def test_empty_fingerprints_have_zero_similarity():
    empty = np.zeros((1, 4), dtype=np.float32)
    assert nearest(empty, empty)[1].tolist() == [0.0]


def test_blocks_do_not_matter():
    rng = np.random.default_rng(0)
    bits = (rng.random((23, 64)) < 0.2).astype(np.float32)
    for one, other in zip(nearest(bits, bits[:9], block=4), nearest(bits, bits[:9]), strict=True):
        assert np.array_equal(one, other)


def test_agrees_with_rdkit():
    table = pl.DataFrame({"drug": [str(i) for i in range(len(SMILES))], "smiles": SMILES})
    bits = fingerprints(table)
    assert bits.shape == (6, 2048)
    row, similarity = nearest(bits[:3], bits[3:])
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    known = [generator.GetFingerprint(Chem.MolFromSmiles(smiles)) for smiles in SMILES]
    for query in range(3):
        expected = DataStructs.BulkTanimotoSimilarity(known[query], known[3:])
        assert similarity[query] == pytest.approx(max(expected))
        assert row[query] == int(np.argmax(expected))
