"""Metrics: each file scores predicted against observed delta profiles, one value for each signature."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
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


def values_of(name: str) -> dict[str, MetricInfo]:
    """Return value -> what it means, of one metric plug-in."""
    return {info.name: info for info in plugins.load("metrics", name).infos}


@cache
def value_infos() -> dict[str, MetricInfo]:
    """Return value -> what it means, of every metric plug-in."""
    return {value: info for name in plugins.names("metrics") for value, info in values_of(name).items()}
