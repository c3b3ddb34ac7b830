"""Read baseline expression from CCLE (DepMap): RNA-seq of models of cell lines, log2(TPM + 1), and names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from perturbkg.baselines import Baseline, Measured
from perturbkg.errors import InputError
from perturbkg.io.delimited import given, header, identified, numbers, read
from perturbkg.io.tallies import counted
from perturbkg.signatures import Genes

MODEL, NAME = "ModelID", "StrippedCellLineName"
# What releases call the column of the models in the expression table; before 25Q2 it has no name.
MODELS = (MODEL, "DepMap_ID", "depmap_id", "", "Unnamed: 0")
# Since 25Q2 a model can have several profiles, of which this column marks one.
DEFAULT = "IsDefaultEntryForModel"
FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
GENE = re.compile(r"(?P<symbol>.+) \((?P<entrez>\d+)\)")  # a column of the expression table: TSPAN6 (7105)
MOST_ABSENT = 0.05  # share of the landmark genes that a release may lack


@dataclass(frozen=True)
class CCLE(Baseline):
    """Baselines of the Cancer Cell Line Encyclopedia, as DepMap releases them."""

    files: ClassVar[dict[str, str]] = {
        "ccle_expression": "expression of models, OmicsExpressionProteinCodingGenesTPMLogp1.csv of DepMap",
        "ccle_models": "names of models, Model.csv of the same release",
    }
    sources: ClassVar[dict[str, str]] = {
        "ccle_expression": "ccle_expression",
        "ccle_models": "ccle_models",
    }
    licence: ClassVar[str] = "CC BY 4.0"
    citation: ClassVar[str] = (
        "DepMap, Broad: DepMap 24Q4 Public. Figshare+ (2024). doi:10.25452/figshare.plus.27993248.v1"
    )

    def read(self, files: dict[str, Path], genes: Genes) -> Measured:
        """Read the models in the file's order, each under the name of its cell line.

        A landmark gene that the release lacks gets the mean of all values, which is the same for all cells.
        """
        path, names_path = (given(files, key, self.files) for key in self.files)
        models = _models(names_path)
        found = header(path)
        columns = _columns(found, genes, path)
        present = [column for column in columns if column is not None]
        profiles = _default_profiles(_expression(path, found, present), path)
        table = profiles.filter(pl.col(DEFAULT))
        table = numbers(identified(table, MODEL, path), present, path)
        # ASSUME: a model and a cell line of L1000 are the same where their names without signs are the same.
        named = table.select("row", MODEL).join(models, on=MODEL, how="left", maintain_order="left")
        unclear = named[NAME].is_duplicated() & named[NAME].is_not_null()
        keep = (named[NAME].is_not_null() & ~unclear).to_numpy()
        values = np.full((len(table), len(columns)), np.nan, np.float32)
        measured = np.array([column is not None for column in columns])
        values[:, measured] = table.select(present).to_numpy()
        _check_finite(values[:, measured], table.select("row", MODEL), present, path)
        values[:, ~measured] = values[:, measured].mean(dtype=np.float64)
        if not keep.any():
            raise InputError(
                f"{path}: none of its {len(table)} models ({', '.join(table[MODEL][:3])}, ...) has a name of "
                f"its own in {names_path} ({', '.join(models[MODEL][:3])}, ...); take both from one release"
            )
        lines = [
            ("read", len(profiles)),
            *([("not the default profile of its model", len(profiles) - len(table))] * (DEFAULT in found)),
            ("model without a name", named[NAME].null_count()),
            ("name of several models", int(unclear.sum())),
            ("kept", int(keep.sum())),
        ]
        absent = [
            ("read", len(columns)),
            ("not in the release, set to the mean", int((~measured).sum())),
            ("kept", int(measured.sum())),
        ]
        return Measured(
            named.filter(keep).select("row", cell=NAME),
            values[keep],
            pl.concat(
                [
                    counted("prepare_cells", "baselines", lines),
                    counted("prepare_cells", "landmark genes of the baseline", absent),
                ]
            ),
        )


def _models(path: Path) -> pl.DataFrame:
    """Read ModelID -> StrippedCellLineName."""
    table = read(path, [MODEL, NAME])
    return identified(table, MODEL, path).drop("row")


def _expression(path: Path, found: Sequence[str], genes: Sequence[str]) -> pl.DataFrame:
    """Read row, MODEL, DEFAULT (null where there is no such column) and the columns of genes, as text."""
    model = next((name for name in MODELS if name in found), None)
    if model is None:
        raise InputError(
            f"{path}: row 1: no column {MODEL!r} and none without a name; found are "
            f"{', '.join(found[:6])}, ...; give DepMap's expression table"
        )
    return read(path, [model, *genes], [DEFAULT]).rename({model: MODEL})


def _default_profiles(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Return the table with DEFAULT as truth: true throughout where no profile is marked in any way."""
    if table[DEFAULT].null_count() == len(table):
        return table.with_columns(pl.lit(value=True).alias(DEFAULT))
    flag = table[DEFAULT].str.strip_chars().str.to_lowercase()
    wrong = table.filter(~flag.is_in(list(FLAGS)).fill_null(value=False))
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong['row'][0]}: {DEFAULT} is {wrong[DEFAULT][0]!r}, not Yes or No; fix the row"
        )
    return table.with_columns(flag.replace_strict(FLAGS, return_dtype=pl.Boolean).alias(DEFAULT))


def _columns(found: Sequence[str], genes: Genes, path: Path) -> list[str | None]:
    """Return the column of each landmark gene: by Entrez id, else by symbol; None where there is none."""
    parsed = {column: match for column in found if (match := GENE.fullmatch(column))}
    by_id = {match["entrez"]: column for column, match in parsed.items()}
    # A symbol is trusted only where its column is not another landmark's by id.
    landmarks = set(genes.entrez)
    by_symbol = {
        match["symbol"]: column for column, match in parsed.items() if match["entrez"] not in landmarks
    }
    columns = [
        by_id.get(entrez, by_symbol.get(symbol))
        for entrez, symbol in zip(genes.entrez, genes.symbol, strict=True)
    ]
    absent = [gene for gene, column in zip(genes.entrez, columns, strict=True) if column is None]
    if len(absent) > MOST_ABSENT * len(columns):
        raise InputError(
            f"{path}: row 1: no column for {len(absent)} of the {len(columns)} landmark genes; first "
            f"{', '.join(absent[:3])}; give the table whose columns are 'SYMBOL (Entrez id)'"
        )
    return columns


def _check_finite(values: np.ndarray, models: pl.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Raise InputError for the first value that is missing or infinite."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        i, j = (int(place) for place in bad[0])
        raise InputError(
            f"{path}: row {models['row'][i]}: model {models[MODEL][i]!r} has no finite value for "
            f"{columns[j]}; fix or remove the row"
        )
