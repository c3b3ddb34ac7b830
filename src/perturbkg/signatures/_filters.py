"""The filters that a signature must pass, with the defaults of config.yaml."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import polars as pl

from perturbkg.errors import InputError


@dataclass(frozen=True)
class Filters:
    """What a signature must meet; null means no filter."""

    pert_type: str | None = "trt_cp"
    dose_um: float | None = 10.0
    dose_tolerance: float = 0.2  # relative: 0.2 takes 8 to 12 for 10 uM
    time_h: float | None = 24.0
    cells: tuple[str, ...] = ()  # empty: all
    require_hiq: bool = True
    require_qc_pass: bool = True
    minimum_tas: float | None = None
    minimum_replicate_correlation: float | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Make the filters of a config; an unknown key is an InputError."""
        known = asdict(cls())
        for key in options:
            if key not in known:
                raise InputError(f"filters: unknown key {key!r}; known are {', '.join(known)}")
        # Names of cell lines such as 5637 are numbers to YAML.
        return cls(**{**options, "cells": tuple(map(str, options.get("cells") or ()))})

    def steps(
        self, table: pl.DataFrame, path: Path, named: Mapping[str, str] = MappingProxyType({})
    ) -> list[tuple[str, pl.Expr]]:
        """Return (why a row is removed, what keeps it), in the order of the fields.

        `table` is what `read_siginfo` returns; a filter on a column that it leaves empty is an InputError.
        `named` says what a release calls is_hiq, qc_pass, tas and cc_q75, where it has other names for them.
        """
        steps = []
        if self.pert_type is not None:
            steps.append((f"pert_type is not {self.pert_type}", pl.col("pert_type") == self.pert_type))
        if self.dose_um is not None:
            # The tables hold float noise (9.99999); the bound itself belongs to the range, whatever its bits.
            distance = (pl.col("dose_um") - self.dose_um).abs()
            steps.append(
                (
                    f"dose is not {self.dose_um:g} uM within {100 * self.dose_tolerance:g} %",
                    distance <= self.dose_tolerance * self.dose_um + 1e-6 * self.dose_um,
                )
            )
        if self.time_h is not None:
            steps.append((f"time is not {self.time_h:g} h", (pl.col("time_h") - self.time_h).abs() < 1e-6))
        if self.cells:
            steps.append(("cell line not asked for", pl.col("cell").is_in(self.cells)))
        for key, usual, column in (
            ("require_hiq", "is_hiq", "hiq"),
            ("require_qc_pass", "qc_pass", "qc_pass"),
            ("minimum_tas", "tas", "tas"),
            ("minimum_replicate_correlation", "cc_q75", "replicate_correlation"),
        ):
            setting = getattr(self, key)
            if setting is None or setting is False:
                continue
            source = named.get(usual, usual)
            if table[column].null_count() == len(table):
                off = "false" if setting is True else "null"
                raise InputError(
                    f"{path}: {source} is empty in every row, so filters.{key} cannot be met; set it to {off}"
                )
            steps.append((f"{source} is empty", pl.col(column).is_not_null()))
            if setting is True:
                steps.append((f"{source} is 0", pl.col(column)))
            else:
                steps.append((f"{source} is below {setting:g}", pl.col(column) >= setting))
        return steps
