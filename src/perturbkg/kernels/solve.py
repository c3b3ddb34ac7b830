"""Solve for the weights of a Gaussian process over pairs, exactly or iteratively, and for its uncertainty.

The weights W of training pairs are those of (K + noise) W = targets; K(pairs, training pairs) W predicts.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular

from perturbkg.data import Pairs
from perturbkg.errors import InputError
from perturbkg.kernels.iterative import Iterative
from perturbkg.kernels.pairs import PairKernel
from perturbkg.kernels.uncertainty import estimate_std

Method = Literal["auto", "exact", "iterative"]


@dataclass(frozen=True)
class Solution:
    """The weights of training pairs, and the system that gave them."""

    weights: np.ndarray
    """(n, columns) float32"""
    system: "Exact | Iterative"
    iterations: int
    """products with the kernel in float32 that the weights took; 0 for the exact method"""

    @property
    def method(self) -> str:
        """Name the method that ran: exact or iterative."""
        return "exact" if isinstance(self.system, Exact) else "iterative"

    def std(self, kernel: PairKernel, train: Pairs, pairs: Pairs) -> np.ndarray:
        """Return the posterior standard deviation of the latent function: (pairs,) float32, kernel's units.

        Exact with the exact method; else see `uncertainty.estimate_std`. Noise is not part of it.
        """
        if isinstance(self.system, Exact):
            return self.system.std(kernel, train, pairs)
        return estimate_std(kernel, train, pairs, noise=self.system.noise, solve=self.system.solve)


def solve(
    kernel: PairKernel,
    train: Pairs,
    noise: np.ndarray,
    rhs: np.ndarray,
    *,
    method: Method = "auto",
    exact_limit: int = 10_000,
    tolerance: float = 1e-5,
) -> Solution:
    """Solve (K + noise) W = rhs for weights (n, columns).

    `noise` (n,) is the variance of each target, in the units of the kernel; `rhs` is (n, columns). `auto` is
    exact for at most `exact_limit` pairs. The iterative method stops when the residual of each column is less
    than `tolerance` times the column. Raises InputError for values that are not finite, noise that is not
    positive, a kernel that is not positive definite, and too many pairs for the exact method.
    """
    if not len(train):
        raise InputError(
            "no training pairs to fit a kernel on; check the split and the filters of signatures"
        )
    if method == "exact" and len(train) > exact_limit:
        raise InputError(
            f"{len(train):,} signatures need {8e-9 * len(train) ** 2:.1f} GB for an exact solution, and "
            f"exact_limit is {exact_limit:,}; set method to auto or iterative, or raise exact_limit"
        )
    noise = np.broadcast_to(np.asarray(noise, np.float32), len(train))
    if not (np.isfinite(noise) & (noise > 0)).all():
        raise InputError(f"noise must be positive and finite; the least is {noise.min()}")
    if not np.isfinite(rhs).all():
        bad = np.flatnonzero(~np.isfinite(rhs).all(axis=1))
        raise InputError(f"{len(bad):,} signatures have values that are not finite; the first is {bad[0]}")
    kernel.check()
    exact = method == "exact" or (method == "auto" and len(train) <= exact_limit)
    system = Exact(kernel, train, noise) if exact else Iterative(kernel, train, noise, tolerance)
    weights = system.solve(rhs)
    return Solution(weights, system, system.iterations)


class Exact:
    """The system of training pairs, factorised once in float64."""

    iterations = 0

    def __init__(self, kernel: PairKernel, train: Pairs, noise: np.ndarray) -> None:
        matrix = np.empty((len(train), len(train)), order="F")
        for first in range(0, len(train), 1024):
            part = slice(first, first + 1024)
            # The kernel is symmetric, and columns are contiguous here.
            matrix[:, part] = kernel.between(train, Pairs(train.drug[part], train.cell[part]))
        matrix[np.diag_indices(len(train))] += noise
        try:
            self.factor, _ = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError as error:
            raise kernel.not_positive_definite(train) from error

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return the weights: (n, columns) float32."""
        weights = cho_solve((self.factor, True), rhs.astype(np.float64), check_finite=False)
        return weights.astype(np.float32)

    def std(self, kernel: PairKernel, train: Pairs, pairs: Pairs) -> np.ndarray:
        """Return the posterior standard deviation: (pairs,) float32."""
        variance = kernel.diagonal(pairs).astype(np.float64)
        for first in range(0, len(pairs), 1024):
            part = slice(first, first + 1024)
            some = kernel.between(train, Pairs(pairs.drug[part], pairs.cell[part])).astype(np.float64)
            explained = solve_triangular(self.factor, some, lower=True, overwrite_b=True, check_finite=False)
            variance[part] -= np.square(explained).sum(axis=0)
        return np.sqrt(np.maximum(variance, 0)).astype(np.float32)
