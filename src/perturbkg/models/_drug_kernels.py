"""How similar two drugs are, in several ways: (drugs, drugs) float32, zeros where nothing is known."""

import numpy as np
import scipy.sparse as sp

from perturbkg.data import Data
from perturbkg.drugs.fingerprints import COUNTED, count_fingerprints
from perturbkg.drugs.similarity import count_tanimoto, tanimoto
from perturbkg.graph.steps import shares_by_type
from perturbkg.graph.types import CELL_LINE, LINCS_DRUG


def structure_kernel(data: Data) -> np.ndarray:
    """Average the min/max Tanimoto of three count fingerprints; that of the bits where there is no SMILES."""
    if data.smiles is None:
        return tanimoto(data.fingerprints)(data.fingerprints).astype(np.float32)
    total = np.zeros((len(data.smiles), len(data.smiles)), np.float32)
    for kind in COUNTED:
        total += count_tanimoto(count_fingerprints(data.smiles, kind))
    return total / np.float32(len(COUNTED))


def target_kernel(known: sp.csr_array, imputed: sp.csr_array | None, *, weight: float) -> np.ndarray:
    """Return the cosines of the roots of each drug's targets (drugs, genes).

    `known` targets share 1, `imputed` ones are added times `weight`. They are annotation, never a signature.
    """
    total = np.asarray(known.sum(axis=1)).ravel()
    found = sp.csr_array(sp.diags_array(1 / np.maximum(total, 1)) @ known)
    if imputed is not None and weight:
        found = found + weight * imputed
    used = np.flatnonzero(np.asarray(found.sum(axis=0)).ravel() > 0)
    return _cosine(np.sqrt(found.tocsc()[:, used].toarray()).astype(np.float32))


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
