"""Responses of the training drugs: leading components of their means, over all cell lines and in each."""

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Signatures


def responses(
    train: Signatures, centre: np.ndarray, drugs: int, cells: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return leading components of each drug's mean training response, over all cell lines and in each.

    (drugs, up to width) float32, zeros where nothing was measured; (pairs, up to width) float32, and the drug
    and cell line of these pairs (pairs, 2) int64. A response is the residual on the cell line's mean, centred
    and scaled to unit length, so that strong signatures do not drown the others; a pair without one (its cell
    line's only signature) is left out.
    """
    residual = np.subtract(train.delta, centre[train.cell])
    residual -= residual.mean(axis=1, keepdims=True)
    residual /= np.maximum(np.sqrt(np.einsum("sg,sg->s", residual, residual)), 1e-9)[:, None]
    mean, count = group_means(residual, train.drug, drugs)
    axes = np.linalg.svd(mean[count > 0], full_matrices=False)[2][:width]
    pairs, member = np.unique(train.drug * cells + train.cell, return_inverse=True)
    in_cell, _ = group_means(residual @ axes.T, member, len(pairs))
    measured = in_cell.any(axis=1)
    pairs = np.stack(np.divmod(pairs[measured], cells), axis=1)
    return unit_scale(mean @ axes.T, count > 0), unit_scale(in_cell[measured]), pairs


def group_means(matrix: np.ndarray, group: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean row of each group (groups, columns) float32, zeros for an empty one, and the counts."""
    member = sp.csr_array(
        (np.ones(len(group), matrix.dtype), (group, np.arange(len(group)))), shape=(groups, len(group))
    )
    mean = member @ matrix
    count = np.bincount(group, minlength=groups)
    mean /= np.maximum(count, 1)[:, None].astype(np.float32)
    return mean, count


def unit_scale(matrix: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Divide a matrix by the standard deviation of all entries of the given rows; zeros stay zeros."""
    chosen = matrix if rows is None else matrix[rows]
    spread = float(chosen.std()) if chosen.size else 0.0
    return (matrix / (spread if spread > 0 else 1.0)).astype(np.float32)
