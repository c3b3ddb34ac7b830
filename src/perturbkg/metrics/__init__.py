"""Metrics: each file scores predicted against observed delta profiles, one value for each signature."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from perturbkg import plugins


@dataclass(frozen=True)
class Evaluation:
    """What a metric may see of one test part. Rows are signatures, columns the 978 landmark genes."""

    observed: np.ndarray  # (n, genes) float32
    predicted: np.ndarray  # (n, genes) float32
    cell: np.ndarray  # (n,) int: row in training_mean
    training_mean: np.ndarray  # (cells, genes) float32: mean training profile; NaN for a cell line without
    std: np.ndarray | None = None  # (n,) float64: error that the model expects, NaN where it expects none


@dataclass(frozen=True)
class MetricInfo:
    """What a number means, beside the number."""

    name: str
    formula: str
    range: tuple[float, float]
    better: Literal["higher", "lower", "closer"]  # closer: to `best`, from either side
    best: float  # the value of a perfect prediction; whatever `better` says, nearer to it is better
    chance: float | None  # None where it depends on the data; the formula says how
    undefined: str  # the reason given where the value is null; "" for a metric that is always defined


@dataclass(frozen=True)
class Metric(ABC):
    """A family of one or more named values."""

    infos: ClassVar[tuple[MetricInfo, ...]]

    @abstractmethod
    def compute(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        """Return name -> (n,) float64, NaN where undefined (written as null with `MetricInfo.undefined`)."""


def value_infos(metrics: Iterable[str] | None = None) -> dict[str, MetricInfo]:
    """Return value -> what it means, of these metric plug-ins (all if None)."""
    return {
        info.name: info
        for metric in (plugins.names("metrics") if metrics is None else metrics)
        for info in plugins.load("metrics", metric).infos
    }
