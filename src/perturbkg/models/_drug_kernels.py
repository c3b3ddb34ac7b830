"""How similar two drugs are, in several ways: (drugs, drugs) float32, zeros where nothing is known."""

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Data
from perturbkg.drugs.fingerprints import COUNTED, count_fingerprints
from perturbkg.drugs.similarity import count_tanimoto, tanimoto
from perturbkg.graph.steps import shares_by_type
from perturbkg.graph.types import CELL_LINE, LINCS_DRUG

SAME_MOLECULE = 0.999  # Tanimoto from which two drugs are one molecule, apart from its stereo marks


def structure_kernel(data: Data) -> np.ndarray:
    """Average the min/max Tanimoto of three count fingerprints; that of the bits where there is no SMILES."""
    if data.smiles is None:
        return tanimoto(data.fingerprints)(data.fingerprints).astype(np.float32)
    parts = [count_tanimoto(count_fingerprints(data.smiles, kind)) for kind in COUNTED]
    return np.stack(parts).mean(axis=0)


def target_kernel(data: Data, targets: sp.csr_array, *, imputed: float) -> np.ndarray:
    """Return the cosines of the roots of each drug's targets (drugs, genes), which sum to 1.

    `imputed` weighs what the ten most similar drugs with targets have, by Tanimoto^4: known targets of
    measured drugs, never a signature. The same molecule is no neighbour.
    """
    total = np.asarray(targets.sum(axis=1)).ravel()
    own = sp.csr_array(sp.diags_array(1 / np.maximum(total, 1)) @ targets)
    if imputed:
        near = tanimoto(data.fingerprints)(data.fingerprints)
        near = np.where((near >= 0.3) & (near < SAME_MOLECULE) & (total > 0), near, 0) ** 4
        if near.shape[1] > 10:
            near[near < -np.partition(-near, 9, axis=1)[:, 9:10]] = 0
        near /= near.sum(axis=1, keepdims=True) + 0.1**4
        own = own + imputed * (sp.csr_array(near) @ own)
    used = np.flatnonzero(np.asarray(own.sum(axis=0)).ravel() > 0)
    return _cosine(np.sqrt(own.tocsc()[:, used].toarray()).astype(np.float32))


def step_kernels(data: Data, *, steps: int, largest: int, factor: float) -> dict[str, np.ndarray]:
    """Return "type@step" -> cosine of the log-scaled shares of a walk at the nodes of one type."""
    shares = shares_by_type(
        data.graph, data.drug_node, steps=steps, largest=largest, without=(LINCS_DRUG, CELL_LINE)
    )
    kernels = {}
    for (name, step), block in shares.items():
        reached = block.any(axis=1)
        block = np.log1p(np.float32(factor) * block)  # noqa: PLW2901 - as large as memory allows
        block[reached] -= block[reached].mean(axis=0)
        kernels[f"{name}@{step}"] = _cosine(block)
    return kernels


def _cosine(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(length > 1e-6, length, np.inf)
    return (rows @ rows.T).astype(np.float32)
