"""The kernel of (drug, cell line) pairs as a sum of products, and its product with a matrix by the vec trick.

Formed, it has pairs x pairs numbers: 26 GB for 80,000 signatures. Its factors are small, and a product needs
them alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Pairs
from perturbkg.errors import InputError

FORMED = 2**22  # a kernel of so many numbers (16 MB) is formed: faster, and no burden
BLOCK = 1024  # rows of a drug factor that are gathered at once

Factor: TypeAlias = np.ndarray | sp.csr_array


@dataclass(frozen=True)
class Term:
    """One summand of the pair kernel, drug[d, d'] cell[c, c']; neither has a negative eigenvalue."""

    drug: Factor
    """(drugs, drugs) float32; sparse where most is zero, as [same parent]"""
    cell: np.ndarray
    """(cells, cells) float32"""
    name: str = ""
    """what errors call it; its position, if empty"""


@dataclass(frozen=True)
class PairKernel:
    """The sum of terms."""

    terms: tuple[Term, ...]

    def names(self) -> list[str]:
        """Return what errors call the terms."""
        return [term.name or f"term {number}" for number, term in enumerate(self.terms, 1)]

    def between(self, a: Pairs, b: Pairs) -> np.ndarray:
        """Return the kernel of each pair of `a` with each of `b`, formed: (a, b) float32."""
        total = np.zeros((len(a), len(b)), np.float32)
        for term in self.terms:
            total += _part(term.drug, a.drug, b.drug) * term.cell[np.ix_(a.cell, b.cell)]
        return total

    def diagonal(self, a: Pairs) -> np.ndarray:
        """Return the kernel of each pair with itself: (a,) float32."""
        total = np.zeros(len(a), np.float32)
        for term in self.terms:
            total += term.drug.diagonal()[a.drug] * term.cell.diagonal()[a.cell]
        return total

    def times(self, a: Pairs, b: Pairs, matrix: np.ndarray) -> np.ndarray:
        """Multiply the kernel of `a` with `b` by a matrix (b, columns): (a, columns) of the matrix's type."""
        return Product(self, a, b).times(matrix)

    def check(self) -> None:
        """Raise InputError for a factor with a number that is not finite, or that is not symmetric."""
        for name, term in zip(self.names(), self.terms, strict=True):
            for part, factor in (("drugs", term.drug), ("cell lines", term.cell)):
                with np.errstate(invalid="ignore", over="ignore"):
                    total = factor.sum(dtype=np.float64)
                if not np.isfinite(total):
                    raise InputError(
                        f"kernel of {part} in {name}: some values are not finite; check its features"
                    )
                if not _symmetric(factor):
                    raise InputError(f"kernel of {part} in {name}: not symmetric, so it is no kernel")

    def not_positive_definite(self, pairs: Pairs) -> InputError:
        """Return the error that names the factor with a clearly negative eigenvalue among these pairs."""
        reason = "its values are too large beside the noise"
        for name, term in zip(self.names(), self.terms, strict=True):
            for part, factor, rows in (
                ("drugs", term.drug, pairs.drug),
                ("cell lines", term.cell, pairs.cell),
            ):
                used = np.unique(rows)
                values = np.linalg.eigvalsh(_part(factor, used, used).astype(np.float64))
                if values[0] < -1e-5 * max(values[-1], 0):
                    reason = f"that of {part} in {name} has the eigenvalue {values[0]:.3g}"
        return InputError(
            f"the kernel of the training pairs is not positive definite: {reason}; use another kernel there, "
            "or more noise"
        )


class Product:
    """Multiply the kernel of pairs `a` and `b` by matrices: (b, columns) to (a, columns).

    For each cell line c of `a`: weigh row j of the matrix by cell[c, c_j], add the rows of each drug, and
    multiply by the rows of `drug` that `a` has in c. That is a x drugs of `b` x columns multiplications
    instead of a x b x columns, and memory for drugs x columns. Cell lines with equal rows of `cell` share
    all this, so that the term [same parent] costs drugs x drugs x columns at most.
    """

    def __init__(self, kernel: PairKernel, a: Pairs, b: Pairs, formed: int = FORMED) -> None:
        self.kernel, self.a, self.b = kernel, a, b
        self.form = len(a) * len(b) <= formed
        self.drugs_a, self.drug_a = np.unique(a.drug, return_inverse=True)
        self.drugs_b, self.drug_b = np.unique(b.drug, return_inverse=True)
        self.cells_a, self.cell_a = np.unique(a.cell, return_inverse=True)
        self.order = np.argsort(self.drug_b, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(self.drug_b, minlength=len(self.drugs_b)))])

    @cached_property
    def matrix(self) -> np.ndarray:
        """The kernel itself, where it is small."""
        return self.kernel.between(self.a, self.b)

    @cached_property
    def parts(self) -> list[tuple[Factor, np.ndarray, np.ndarray]]:
        """Of each term: the drug factor of used drugs; distinct rows of `cell`; which one a pair of `a` has.

        The rows are of cell lines of `a`, with each pair of `b` in the order of its drugs.
        """
        found = []
        for term in self.kernel.terms:
            cell = term.cell[np.ix_(self.cells_a, self.b.cell[self.order])]
            distinct, of_cell = np.unique(cell, axis=0, return_inverse=True)
            drug = _used(term.drug, self.drugs_a, self.drugs_b)
            found.append((drug, distinct, of_cell.reshape(-1)[self.cell_a]))
        return found

    def times(self, matrix: np.ndarray) -> np.ndarray:
        """Multiply by a matrix (b, columns), in its precision (float32 or float64)."""
        if self.form:
            return self.matrix.astype(matrix.dtype, copy=False) @ matrix
        total = np.zeros((len(self.a), matrix.shape[1]), matrix.dtype)
        shape = (len(self.drugs_b), len(self.b))
        for drug, distinct, of_pair in self.parts:
            for number, weights in enumerate(distinct):
                if not weights.any():
                    continue
                gather = sp.csr_array((weights.astype(matrix.dtype), self.order, self.starts), shape=shape)
                per_drug = gather @ matrix  # (drugs of b, columns)
                pairs = np.flatnonzero(of_pair == number)
                drugs, of_drug = np.unique(self.drug_a[pairs], return_inverse=True)
                mixed = np.empty((len(drugs), matrix.shape[1]), matrix.dtype)
                for first in range(0, len(drugs), BLOCK):
                    rows = drugs[first : first + BLOCK]
                    mixed[first : first + BLOCK] = drug[rows].astype(matrix.dtype, copy=False) @ per_drug
                total[pairs] += mixed[of_drug]
        return total


def _part(factor: Factor, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return some rows and columns, dense."""
    if isinstance(factor, np.ndarray):
        return factor[np.ix_(rows, columns)]
    return factor[rows][:, columns].toarray()


def _used(factor: Factor, rows: np.ndarray, columns: np.ndarray) -> Factor:
    """Return some rows and columns, in increasing order; the factor itself if that is all of it."""
    if len(rows) == len(columns) == factor.shape[0]:
        return factor
    return factor[np.ix_(rows, columns)] if isinstance(factor, np.ndarray) else factor[rows][:, columns]


def _symmetric(factor: Factor) -> bool:
    if not isinstance(factor, np.ndarray):
        return bool(abs(factor - factor.T).max() <= 1e-5 * abs(factor).max())
    scale = np.abs(factor.diagonal()).max(initial=0)
    return all(
        np.abs(factor[first : first + BLOCK] - factor[:, first : first + BLOCK].T).max() <= 1e-4 * scale
        for first in range(0, len(factor), BLOCK)
    )
