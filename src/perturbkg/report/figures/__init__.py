"""Figures of the report: each file holds one, drawn from named tables and nothing else but its own inputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import altair as alt
import polars as pl

from perturbkg.report.choices import Choices


@dataclass(frozen=True)
class Material:
    """What figures are drawn from."""

    tables: Mapping[str, pl.DataFrame]  # name -> rows, see report/tables
    choices: Choices
    scores: str | Path
    signatures: str | Path
    drugs: pl.DataFrame  # schemas.Drugs
    predictions: Sequence[str | Path]  # of the untouched reference model, all folds of `split`
    split: str
    model_seed: int


@dataclass(frozen=True)
class Drawing:
    """Charts under each other, and a line under the title; without charts it says why there are none."""

    charts: Sequence[alt.Chart | alt.FacetChart]
    subtitle: str


class Figure(ABC):
    """A figure: `figures/<name>.svg` and .png."""

    title: ClassVar[str]
    caption: ClassVar[str]  # its alternative text too
    section: ClassVar[str]  # of the page, see page.SECTIONS

    @abstractmethod
    def draw(self, material: Material) -> Drawing:
        """Draw what the material has."""
