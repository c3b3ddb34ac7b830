"""Baselines: each file reads the expression of untreated cell lines on the landmark genes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.signatures import Genes


@dataclass(frozen=True)
class Measured:
    """Baselines: `cells` (row: line in the file or null, cell), `values` (cells, 978) float32, log2."""

    cells: pl.DataFrame
    values: np.ndarray
    counts: pl.DataFrame  # schemas.Counts of what was read on the way (wells, models); may be empty


@dataclass(frozen=True)
class Baseline(ABC):
    """Where the baseline expression of cell lines comes from. `files` maps the file keys below to paths."""

    files: ClassVar[dict[str, str]]  # file key in the config -> what it is
    sources: ClassVar[dict[str, str]]  # file key -> name in the catalogue of sources; {}: not published
    licence: ClassVar[str]
    citation: ClassVar[str]

    @abstractmethod
    def read(self, files: dict[str, Path], genes: Genes) -> Measured:
        """Read the baseline of every cell line that has one, on the landmark genes; all values are finite."""
