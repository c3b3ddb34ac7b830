"""Scale training profiles so that strong and weak signatures count alike, and map predictions back.

A squared error is ruled by the few strongest signatures, while most metrics compare shapes. So models may
learn z in place of a profile y, where y' = y - mean of y over genes:

    none   z = y
    sqrt   z = y sqrt(30 / |y'|)
    unit   z = 30 y' / |y'|

30 is about the norm of a common L1000 signature; it only keeps z in the range of y. Models predict the
residual R = z - centre of the cell line, centre being the mean of z there. A prediction is mapped back by one
number for all signatures, the least-squares slope of y - cell mean on R over the training signatures: without
it a prediction has the size of no signature, and what compares it with others (retrieval, errors) suffers.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from perturbkg.data import Signatures
from perturbkg.training.means import cell_means

TargetScale = Literal["none", "sqrt", "unit"]
NORM = 30.0
ROUNDING = 1e-5  # a profile that varies less than this share of its size is constant, apart from float32


@dataclass(frozen=True)
class Scaled:
    """Training profiles on the scale that a model learns them in, and the way back."""

    z: np.ndarray  # (n, genes) float32: what the model learns
    residual: np.ndarray  # (n, genes) float32: z minus the centre of its cell line
    centre: np.ndarray  # (cells + 1, genes) float32: mean of z in each cell line, see `cell_means`
    scale: float  # profile units per unit of z, more than 0
    base: np.ndarray  # (cells + 1, genes) float32: the profile that a residual of 0 stands for

    @classmethod
    def learn(cls, train: Signatures, cells: int, kind: TargetScale, shrinkage: float = 0.0) -> Self:
        """Scale the training profiles; `shrinkage` is that of `cell_means`.

        With `none`, z is `train.delta` itself, the scale 1 and the base the cell means.
        """
        z = scaled(train.delta, kind)
        centre = cell_means(dataclasses.replace(train, delta=z), cells, shrinkage)
        residual = z - centre[train.cell]
        scale = 1.0
        if kind != "none":
            means = cell_means(train, cells, shrinkage)
            scale = _slope(residual, train.delta - means[train.cell]) or _slope(z, train.delta) or 1.0
        return cls(z, residual, centre, scale, np.float32(scale) * centre)

    def back(self, cell: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """Return the profiles (pairs, genes) float32 of predicted residuals in cell lines (pairs,) int."""
        return self.base[cell] + np.float32(self.scale) * residual


def scaled(profiles: np.ndarray, kind: TargetScale) -> np.ndarray:
    """Return z of profiles (n, genes), float32; a constant profile has no shape and becomes 0."""
    if kind == "none":
        return profiles
    centred = profiles - profiles.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    norm = _norms(centred)
    power, source = (0.5, profiles) if kind == "sqrt" else (1.0, centred)
    weight = np.zeros_like(norm)
    np.divide(NORM, norm, out=weight, where=norm > ROUNDING * _norms(profiles))
    return source * (weight**power)[:, None].astype(np.float32)


def _norms(profiles: np.ndarray) -> np.ndarray:
    """Return the length of each row (n,) float64."""
    return np.sqrt(np.einsum("ng,ng->n", profiles, profiles, dtype=np.float64))


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the slope of y on x through the origin, over all elements; 0 where it has none above 0."""
    square = float(np.einsum("ng,ng->", x, x, dtype=np.float64))
    product = float(np.einsum("ng,ng->", x, y, dtype=np.float64))
    return max(product / square, 0.0) if square > 0 else 0.0
