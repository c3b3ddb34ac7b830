"""Read the dose and time of signatures as inputs: log10, each centred and scaled over training."""

from collections.abc import Mapping

import numpy as np

from perturbkg.data import Pairs

ROUNDING = 1e-6  # log10 units: doses that differ by less are one dose, apart from float32


def learn_conditions(train: Pairs) -> dict[str, np.ndarray]:
    """Learn mean and standard deviation of log10 dose and log10 time over the training signatures.

    Arrays by name, (2,) float32 each, where dose or time varies; {} where neither does, so that what a model
    learns from one condition is the same as without this. The deviation of what does not vary is 0.
    """
    logs = _logs(train)
    known = np.isfinite(logs)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, logs, 0).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (logs - mean) ** 2, 0).sum(axis=0) / count)
    scale[scale < ROUNDING] = 0
    if not scale.any():
        return {}
    return {"conditions.mean": mean.astype(np.float32), "conditions.scale": scale.astype(np.float32)}


def read_logs(pairs: Pairs, learned: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return log10 dose and log10 time (pairs, 2) float32, from the training mean; 0 where it is unknown.

    What did not vary in training is 0 too.
    """
    if "conditions.mean" not in learned:
        return np.zeros((len(pairs), 2), np.float32)
    logs = (_logs(pairs) - learned["conditions.mean"]) * (learned["conditions.scale"] > 0)
    return np.nan_to_num(logs, nan=0.0).astype(np.float32)


def read_conditions(pairs: Pairs, learned: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what varied in training, dose before time: (pairs, 0 to 2) float32.

    An unknown dose or time, or that of pairs without any, is read as the training mean.
    """
    if "conditions.mean" not in learned:
        return np.zeros((len(pairs), 0), np.float32)
    mean, scale = learned["conditions.mean"], learned["conditions.scale"]
    varied = scale > 0
    scores = (_logs(pairs)[:, varied] - mean[varied]) / scale[varied]
    return np.nan_to_num(scores, nan=0.0).astype(np.float32)


def _logs(pairs: Pairs) -> np.ndarray:
    """Return log10 dose and log10 time (pairs, 2) float64, NaN where unknown."""
    unknown = np.full(len(pairs), np.nan)
    columns = [unknown if values is None else values for values in (pairs.dose, pairs.time)]
    return np.log10(np.stack(columns, axis=1).astype(np.float64))
