"""A random pair kernel with the sizes and the spectrum of LINCS2020's: what the kernel benchmark solves."""

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Pairs
from perturbkg.drugs.similarity import tanimoto
from perturbkg.kernels.pairs import PairKernel, Term
from perturbkg.kernels.uncertainty import draw_prior

DRUGS, CELLS, SIGNATURES = 15_000, 240, 80_000
IDENTITY, NOISE = 0.15, 0.8


def draw(signatures: int, held: int, columns: int, seed: int = 0) -> tuple[PairKernel, Pairs, np.ndarray]:
    """Return a kernel, `signatures` + `held` different pairs and their functions (pairs, columns) float32.

    Functions are draws of the Gaussian process, without noise. Drugs and cell lines shrink with the root of
    the signatures' share of LINCS2020's, so that the table of pairs is as full as there.
    """
    random = np.random.default_rng(seed)
    share = np.sqrt(signatures / SIGNATURES)
    drugs, cells = int(DRUGS * share), max(int(CELLS * share), 8)
    kernel = PairKernel(
        (
            Term(tanimoto_kernel(drugs, random), cell_kernel(cells, random), "drug x cell line"),
            Term(
                sp.eye_array(drugs, dtype=np.float32, format="csr") * np.float32(IDENTITY),
                np.ones((cells, cells), np.float32),
                "same parent",
            ),
        )
    )
    chosen = draw_pairs(drugs, cells, signatures + held, random)
    order = random.permutation(len(chosen))  # the last are held out
    pairs = Pairs(chosen.drug[order], chosen.cell[order])
    return kernel, pairs, draw_prior(kernel, pairs, columns, random)


def tanimoto_kernel(drugs: int, random: np.random.Generator, bits: int = 2048) -> np.ndarray:
    """Compare random fingerprints of drugs that share scaffolds: (drugs, drugs) float32.

    The mean and the spectrum are close to those of the real slice's 1,139 drugs: mean .10 (real .11), 10 % of
    the trace in the first eigenvalue (11 %), 38 % in the first 50 (34 %), 90 % in the first 771 (740).
    """
    common = (random.permutation(bits) + 8.0) ** -0.95  # a few substructures are in most molecules
    common = np.minimum(common * 50 / common.sum(), 0.9)
    scaffolds = random.random((max(drugs // 4, 1), bits)) < common
    of_drug = np.minimum(random.geometric(16 / drugs, size=drugs) - 1, len(scaffolds) - 1)
    fingerprints = scaffolds[of_drug] & (random.random((drugs, bits)) < 0.9)
    fingerprints |= random.random((drugs, bits)) < 0.4 * common
    kernel = np.empty((drugs, drugs), np.float32)
    compare = tanimoto(fingerprints)
    for first in range(0, drugs, 512):
        kernel[first : first + 512] = compare(fingerprints[first : first + 512])
    np.fill_diagonal(kernel, 1)
    return kernel


def cell_kernel(cells: int, random: np.random.Generator) -> np.ndarray:
    """Compare random baselines as the kernel models do: .3 + .3 max(0, cosine) + .4 [same cell line]."""
    tissue = random.standard_normal((20, 100))
    baseline = tissue[random.integers(0, 20, cells)] + random.standard_normal((cells, 100))
    baseline /= np.linalg.norm(baseline, axis=1, keepdims=True)
    similar = np.maximum(baseline @ baseline.T, 0)
    return (0.3 + 0.3 * similar + 0.4 * np.eye(cells)).astype(np.float32)


def draw_pairs(drugs: int, cells: int, signatures: int, random: np.random.Generator) -> Pairs:
    """Draw different pairs; a few drugs and cell lines have most of the signatures."""
    drug = random.permutation(1 / (np.arange(drugs) + 0.005 * drugs))
    cell = random.permutation(1 / (np.arange(cells) + 0.03 * cells))
    # The largest Gumbel keys are a sample without replacement; in blocks of drugs, to save memory.
    keys, rows = [], []
    for first in range(0, drugs, 1024):
        weight = np.log(drug[first : first + 1024, None] * cell).astype(np.float32).ravel()
        key = weight + random.gumbel(size=len(weight)).astype(np.float32)
        best = np.argsort(-key)[:signatures]
        keys.append(key[best])
        rows.append(first * cells + best)
    chosen = np.sort(np.concatenate(rows)[np.argsort(-np.concatenate(keys))[:signatures]])
    return Pairs(chosen // cells, chosen % cells)
