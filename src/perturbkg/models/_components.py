"""Profiles as principal components, each with the noise that its spread suggests.

With one noise for all, the leading components are smoothed too much and the rest too little: in every world
and on the real slice, noise that grows as a component's spread falls was better (docs/notebook/kernels.md).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbkg.training.target_scale import Scaled, TargetScale

LEAST_SPREAD = 2.0**-10  # of a component, relative to the leading one's; what varies less is left out


@dataclass(frozen=True)
class Components:
    """Residuals of training signatures in their principal components, the leading one first."""

    scaled: Scaled
    values: np.ndarray  # (n, components) float32
    rotation: np.ndarray  # (genes, components) float32, orthonormal columns
    noise: np.ndarray  # (components,) float32: relative to the leading one, in powers of 2
    strength: np.ndarray  # (n,) float32: relative noise of each signature

    @classmethod
    def of(cls, scaled: Scaled, strength: np.ndarray, most: int | None = None) -> Self:
        """Rotate the residuals; keep the leading `most` components, all with None."""
        spread, rotation = _principal(scaled.residual)
        spread, rotation = spread[:most], rotation[:, :most]
        # Powers of 2: one Cholesky factor serves all components of a level.
        noise = 2.0 ** np.round(np.log2(spread[:1] / spread))
        values = scaled.residual @ rotation
        return cls(scaled, values, np.ascontiguousarray(rotation), noise.astype(np.float32), strength)

    @property
    def typical_noise(self) -> float:
        """The geometric mean of the components' noise, each weighed by its variance; 1 without components."""
        variance = np.square(self.values).sum(axis=0, dtype=np.float64)
        return float(np.exp((variance * np.log(self.noise)).sum() / max(variance.sum(), 1e-30)))

    def profiles(self, values: np.ndarray) -> np.ndarray:
        """Rotate components (rows, components) back to residuals (rows, genes) float32."""
        return (values @ self.rotation.T).astype(np.float32)


def strengths(delta: np.ndarray, scale: TargetScale) -> np.ndarray:
    """Return the relative noise of signatures (n,): on unit scale, a weak one is mostly noise."""
    if scale != "unit":
        return np.ones(len(delta), np.float32)
    norm = delta.std(axis=1)
    share = np.sqrt(np.median(norm) / np.maximum(norm, 1e-6))
    return np.clip(share / np.exp(np.log(np.maximum(share, 1e-6)).mean()), 0.15, 6).astype(np.float32)


def _principal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spreads (components,), largest first, and the components (columns, components) of rows."""
    wide = len(rows) < rows.shape[1]
    square, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)  # the smaller of the two
    spread, vectors = np.sqrt(np.maximum(square[::-1], 0)), vectors[:, ::-1]
    kept = (spread > 0) & (spread >= LEAST_SPREAD * spread[0])
    spread, vectors = spread[kept], vectors[:, kept]
    return spread, rows.T @ (vectors / spread) if wide else vectors
