"""Reduce feature tables to few inputs of similar scale, learned from training drugs and cell lines alone."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from perturbkg.data import Pairs


class Compressible(Protocol):
    """A matrix (rows, columns) that is not stored as an array, but can compute its components."""

    def principal_axes(self, rows: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what the function of that name returns of some distinct rows."""

    def scores(self, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Return (matrix - mean) @ axes."""


Block = np.ndarray | Compressible


def learn_projections(
    drug_blocks: Sequence[Block], cell_block: np.ndarray, train: Pairs, components: int
) -> dict[str, np.ndarray]:
    """Learn the principal components of blocks (drugs, columns) and (cells, columns): arrays by name.

    Each training drug and cell line counts once. Up to `components` are kept of each block; a block that
    does not vary in training keeps none.
    """
    blocks: dict[str, tuple[Block, np.ndarray]]
    blocks = {f"drug{index}": (block, train.drug) for index, block in enumerate(drug_blocks)}
    learned: dict[str, np.ndarray] = {}
    for name, (block, rows) in {**blocks, "cell": (cell_block, train.cell)}.items():
        seen = np.unique(rows)
        if isinstance(block, np.ndarray):
            mean, axes = principal_axes(block[seen], components)
        else:
            mean, axes = block.principal_axes(seen, components)
        learned |= {f"{name}.mean": mean, f"{name}.axes": axes}
    return learned


def project(
    drug_blocks: Sequence[Block], cell_block: np.ndarray, learned: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs of drugs (drugs, a), blocks side by side, and of cell lines (cells, b), float32."""

    def scores(name: str, block: Block) -> np.ndarray:
        mean, axes = learned[f"{name}.mean"], learned[f"{name}.axes"]
        if not isinstance(block, np.ndarray):
            return block.scores(mean, axes)
        # (x - m) A as x A - m A: the block may be wide, and a centred copy of it is not needed.
        return block.astype(np.float32, copy=False) @ axes - mean @ axes

    cell = scores("cell", cell_block)
    drug = [scores(f"drug{index}", block) for index, block in enumerate(drug_blocks)]
    return np.concatenate(drug, axis=1), cell


def principal_axes(matrix: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (columns,) and axes (columns, up to `components`) float32 of a (rows, columns) matrix.

    The axes are orthogonal, by falling variance, and of one length, chosen so that the mean square of all
    scores (x - mean) @ axes is 1. The largest entry of each is positive.

    ASSUME: a block is scaled by one number, its columns by none: a rare fingerprint bit divided by its own
    tiny standard deviation would outweigh the common ones.
    """
    mean = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = matrix.astype(np.float32) - mean
    wide = centred.shape[1] > centred.shape[0]
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    # Below that share of the largest, a direction is rounding; of n centred rows at least one always is.
    kept = np.flatnonzero(values > 1e-6 * max(values.max(initial=0), 1e-30))[::-1][:components]
    if not len(kept):
        return mean, np.zeros((len(mean), 0), np.float32)
    axes = vectors[:, kept]
    if wide:
        axes = centred.T @ (axes / np.sqrt(values[kept]))
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))])
    return mean, axes * np.float32(np.sqrt(centred.shape[0] / values[kept].mean(dtype=np.float64)))
