"""Signature sources: each file reads one publisher's perturbation signatures and the tables beside them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from perturbkg.io.tallies import counted, excluded

NOTHING = pl.DataFrame(schema={"item": pl.String, "row": pl.Int64, "reason": pl.String})  # to exclude


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
    """Raw compounds of a source, before standardisation.

    `table` has one row per drug: drug, name, smiles and inchikey (null if unknown), aliases (list of str),
    targets (list of gene symbols), xref (list of ids elsewhere, such as DrugBank's), row (line of its first
    mention in the source file).
    """

    table: pl.DataFrame
    exclusions: pl.DataFrame  # schemas.Exclusions: rows that contradict the one that was kept
    withheld: frozenset[str] = frozenset()  # drugs without a SMILES because its owner does not publish it


@dataclass(frozen=True)
class SignatureSource(ABC):
    """A publisher's signatures. `files` maps the file keys below to paths.

    `needs` says which file keys each step reads (genes, select, compounds, cell_lines), `labels` which ones
    the profiles are read from, for each label that the source offers: level5 (published z-scores) and, where
    it can be made, level3 (treated minus vehicle wells of the same plate).
    """

    files: ClassVar[dict[str, str]]  # file key in the config -> what it is
    optional_files: ClassVar[dict[str, str]]
    sources: ClassVar[dict[str, str]]  # file key -> name in the catalogue of sources; {}: not published
    needs: ClassVar[dict[str, tuple[str, ...]]]  # step -> file keys
    labels: ClassVar[dict[str, tuple[str, ...]]]  # label -> file keys
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
    def cell_lines(self, files: dict[str, Path]) -> pl.DataFrame:
        """Read the cell line table: row (line in the file), cell (unique), lineage, disease, description.

        Where known also ccle_name, by which the Cancer Cell Line Encyclopedia knows it (NCIH1975_LUNG).
        """

    def measured(self, files: dict[str, Path], selection: pl.DataFrame, label: str) -> Selected:
        """Keep the signatures whose profile can be made for `label`; the others are listed."""
        return Selected(
            selection, counted("read_signatures", label, []), excluded("read_signatures", label, NOTHING)
        )

    @abstractmethod
    def profiles(
        self, files: dict[str, Path], selection: pl.DataFrame, genes: Genes, label: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield blocks of (rows of `selection` (n,), deltas (n, 978) float32), each row once, in any order.

        Memory does not grow with the number of signatures. Raises InputError for an absent signature, another
        gene set, or a value that is not finite.
        """
