"""Solve (K + noise) X = B without forming K: preconditioned conjugate gradients, refined in float64.

All columns share each product with K; every column has its own step sizes and stops by itself. The gradients
run in float32. What they leave is measured in float64 and solved for in turn, until it is small enough
(iterative refinement), so that the solution is not limited by the precision of the products.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from perturbkg.data import Pairs
from perturbkg.errors import InputError
from perturbkg.kernels.pairs import PairKernel, Product

CENTRES = 1000  # pairs whose kernel approximates that of all, in the preconditioner
LARGEST = 64  # pairs of one drug that are inverted together
PRODUCTS = 1000  # with K, before giving up


class Iterative:
    """The system of training pairs."""

    def __init__(self, kernel: PairKernel, train: Pairs, noise: np.ndarray, tolerance: float) -> None:
        self.kernel, self.train, self.noise, self.tolerance = kernel, train, noise, tolerance
        self.product = Product(kernel, train, train)
        self.precondition = preconditioner(kernel, train, noise)
        self.iterations = 0  # products in float32 of the last solution

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return X of (K + noise) X = rhs: both (pairs, columns), X float32, residuals below tolerance."""
        rhs = rhs.astype(np.float64)
        wanted = self.tolerance * np.linalg.norm(rhs, axis=0)
        solution = np.zeros_like(rhs)
        self.iterations = 0
        left = rhs
        while True:
            size = np.linalg.norm(left, axis=0)
            columns = np.flatnonzero(size > wanted)
            if not len(columns):
                return solution.astype(np.float32)
            if self.iterations >= PRODUCTS:
                raise InputError(
                    f"no solution for the kernel of {len(self.train):,} pairs after {self.iterations} "
                    "products: more noise, or method exact with a higher exact_limit"
                )
            # float32 cannot reduce a residual much further at once.
            target = np.maximum(0.3 * wanted[columns] / size[columns], 1e-5)
            scaled = (left[:, columns] / size[columns]).astype(np.float32)
            solution[:, columns] += size[columns] * self._gradients(scaled, target)
            left = rhs - self.product.times(solution) - self.noise[:, None].astype(np.float64) * solution

    def _gradients(self, rhs: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Solve in float32 until the residual of each column (of norm 1) has the norm `target`."""
        noise = self.noise[:, None].astype(np.float32)
        solution, residual = np.zeros_like(rhs), rhs.copy()
        direction = preconditioned = self.precondition(residual)
        active = np.arange(rhs.shape[1])
        slope = _inner(residual, preconditioned)
        while len(active) and self.iterations < PRODUCTS:
            self.iterations += 1
            image = self.product.times(direction) + noise * direction
            curvature = _inner(direction, image)
            if not (curvature > 0).all():
                raise self.kernel.not_positive_definite(self.train)
            step = (slope / curvature).astype(np.float32)
            solution[:, active] += step * direction
            residual -= step * image
            going = np.sqrt(_inner(residual, residual)) > target[active]
            if not going.all():
                active, residual, direction = active[going], residual[:, going], direction[:, going]
                slope = slope[going]
            preconditioned = self.precondition(residual)
            before, slope = slope, _inner(residual, preconditioned)
            direction = preconditioned + (slope / before).astype(np.float32) * direction
        return solution


def preconditioner(
    kernel: PairKernel, train: Pairs, noise: np.ndarray, centres: int = CENTRES
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that multiplies (pairs, columns) float32 by an approximate inverse of K + noise.

    K is approximated by its Nystrom approximation from random pairs, and is exact within each drug: the sum
    of a low rank matrix and one with a block per drug, inverted by Woodbury's identity (the "partially
    independent training conditional" of Quinonero-Candela and Rasmussen, JMLR 6, 2005). Blocks hold at most
    64 pairs.
    """
    some = np.sort(np.random.default_rng(0).permutation(len(train))[:centres])
    few = Pairs(train.drug[some], train.cell[some])
    values, vectors = np.linalg.eigh(kernel.between(few, few).astype(np.float64))
    kept = values > 1e-6 * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    low = np.empty((len(train), kept.sum()), np.float32)  # low low^T approximates K
    for first in range(0, len(train), 4096):
        part = slice(first, first + 4096)
        low[part] = kernel.between(Pairs(train.drug[part], train.cell[part]), few).astype(np.float64) @ root
    inverse = _inverse_blocks(kernel, train, noise, low)
    scaled = inverse @ low
    inner = (low.T @ scaled).astype(np.float64)
    inner[np.diag_indices(len(inner))] += 1
    factor = cho_factor(inner, lower=True, overwrite_a=True)

    def multiply(matrix: np.ndarray) -> np.ndarray:
        weights = cho_solve(factor, (scaled.T @ matrix).astype(np.float64)).astype(np.float32)
        return inverse @ matrix - scaled @ weights

    return multiply


def _inverse_blocks(kernel: PairKernel, train: Pairs, noise: np.ndarray, low: np.ndarray) -> sp.csr_array:
    """Invert, for the pairs of each drug, what the low rank leaves of K, with the noise: (pairs, pairs)."""
    order = np.argsort(train.drug, kind="stable")
    _, starts = np.unique(train.drug[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    pieces = [
        order[first : min(first + LARGEST, end)]
        for start, end in zip(starts, ends, strict=True)
        for first in range(start, end, LARGEST)
    ]
    rows, columns, values = [], [], []
    floor = float(noise.min()) / 2  # approximations may have eigenvalues slightly below the noise
    for piece in pieces:
        pairs = Pairs(train.drug[piece], train.cell[piece])
        block = (kernel.between(pairs, pairs) - low[piece] @ low[piece].T).astype(np.float64)
        block[np.diag_indices(len(block))] += noise[piece]
        of_block, axes = np.linalg.eigh(block)
        values.append(((axes / np.maximum(of_block, floor)) @ axes.T).astype(np.float32).ravel())
        rows.append(np.repeat(piece, len(piece)))
        columns.append(np.tile(piece, len(piece)))
    index = (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_array((np.concatenate(values), index), shape=(len(train), len(train)))


def _inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the inner product of each column with its like, summed in float64."""
    return np.einsum("ij,ij->j", a, b, dtype=np.float64)
