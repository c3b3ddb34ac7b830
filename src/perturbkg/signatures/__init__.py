"""Signature sources: each file reads one publisher's perturbation signatures and the tables beside them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Genes:
    """The landmark genes in the order of every profile of this project: ascending Entrez id."""

    entrez: list[str]
    symbol: list[str]


@dataclass(frozen=True)
class Selected:
    """Signatures that passed the filters."""

    selection: pl.DataFrame  # schemas.Selection
    counts: pl.DataFrame  # schemas.Counts
    exclusions: pl.DataFrame  # schemas.Exclusions


@dataclass(frozen=True)
class Compounds:
    """Raw compounds of a source, before standardisation, one row each: drug, name, smiles (null where none),

    inchikey (null where none), aliases (list of str), targets (list of gene symbols), xref (list of foreign
    ids such as DrugBank's), row (line of its first mention in the source file)."""

    table: pl.DataFrame
    exclusions: pl.DataFrame  # schemas.Exclusions: rows that contradict the one that was kept


@dataclass(frozen=True)
class CellLines:
    """Cell lines: `cells` (schemas.Cells) in the order of `baseline` (cells, 978) float32 log2 expression."""

    cells: pl.DataFrame
    baseline: np.ndarray
    counts: pl.DataFrame
    exclusions: pl.DataFrame


@dataclass(frozen=True)
class SignatureSource(ABC):
    """A publisher's signatures. `files` maps the file keys below to paths."""

    files: ClassVar[dict[str, str]]  # file key in the config -> what it is
    optional_files: ClassVar[dict[str, str]]
    licence: ClassVar[str]
    citation: ClassVar[str]

    @abstractmethod
    def genes(self, files: dict[str, Path]) -> Genes:
        """Return the 978 landmark genes; any other number is an InputError."""

    @abstractmethod
    def select(self, files: dict[str, Path], filters: dict[str, Any]) -> Selected:
        """Filter the signature table, before any profile is read."""

    @abstractmethod
    def compounds(self, files: dict[str, Path]) -> Compounds:
        """Read the compound table."""

    @abstractmethod
    def cell_lines(self, files: dict[str, Path], genes: Genes) -> CellLines:
        """Read the cell lines that have a baseline; the others are listed with their reason."""

    @abstractmethod
    def read_profiles(self, files: dict[str, Path], signatures: list[str], genes: Genes) -> np.ndarray:
        """Read delta profiles (signatures, 978) float32 in the order asked for, in blocks.

        Raises InputError for an absent signature, another gene set, or a value that is not finite.
        """
