"""Read siginfo_beta.txt: one row for each signature of the GCTX, and what is known of its quality."""

from pathlib import Path

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import identified, numbers
from perturbkg.signatures._fields import collapsed, of_another_type, read_table

REQUIRED = ("sig_id", "pert_id", "cell_iname", "pert_type", "pert_dose", "pert_time")
NUMBERS = ("tas", "cc_q75", "nsample", "nearest_dose")
UNITS = ("pert_dose_unit", "pert_time_unit")
FLAGS = ("is_hiq", "qc_pass")
OPTIONAL = (*UNITS, *FLAGS, *NUMBERS)
MICROMOLAR = {"uM": 1.0, "um": 1.0, "µM": 1.0, "μM": 1.0, "pM": 1e-6, "nM": 1e-3, "mM": 1e3, "M": 1e6}
HOURS = {"h": 1.0, "hr": 1.0, "d": 24.0, "min": 1 / 60}
TRUTH = {"1": 1, "1.0": 1, "True": 1, "true": 1, "0": 0, "0.0": 0, "False": 0, "false": 0}


def read_siginfo(path: Path, pert_type: str | None = None) -> pl.DataFrame:
    """Read a signature table of LINCS 2020."""
    return understood(
        identified(read_table(path, REQUIRED, OPTIONAL), "sig_id", path), path, pert_type=pert_type
    )


def understood(table: pl.DataFrame, path: Path, *, pert_type: str | None = None) -> pl.DataFrame:
    """Return row, pert_type, hiq, qc_pass and the columns of schemas.Selection.

    Null is what the table does not know, what has another unit, and what replicates disagree on. `table` has
    row, the columns REQUIRED and any of OPTIONAL, as text; `path` is where it was read, for errors.
    What cannot be read is an InputError, but null in rows of another `pert_type`, if one is wanted: a
    release describes its controls and gene knockdowns in other ways, and a filter removes them.
    """
    absent = [column for column in OPTIONAL if column not in table.columns]
    table = table.with_columns(pl.lit(None, pl.String).alias(column) for column in absent)
    measures = ["pert_dose", "pert_time", *NUMBERS]
    table = collapsed(table.with_columns(pl.col(measures).cast(pl.String)), measures, (*UNITS, *FLAGS))
    removed = of_another_type(pert_type)
    finite = pl.col(measures).cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
    table = numbers(table.with_columns(pl.when(finite | ~removed).then(pl.col(measures))), measures, path)
    samples = pl.col("nsample")
    table = table.with_columns(
        *(pl.when(pl.col(flag).is_in(list(TRUTH)) | ~removed).then(flag).alias(flag) for flag in FLAGS),
        nsample=pl.when((samples == samples.round()) | ~removed).then(samples),
    )
    for column in FLAGS:
        wrong = table.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(list(TRUTH)))
        if len(wrong):
            raise InputError(
                f"{path}: row {wrong['row'][0]}: {column} is {wrong[column][0]!r}, not 1, 0 or empty; "
                "fix the row"
            )
    wrong = table.filter((samples != samples.round()) | (samples.abs() >= 2**53))
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong['row'][0]}: nsample (replicates) is {wrong['nsample'][0]:g}, not a whole "
            "number; fix the row"
        )
    # ASSUME: without a column of units, doses are in uM and times in hours, as in every CMap release.
    units = table.select(UNITS)
    dose_unit, time_unit = (
        pl.lit(default) if units[column].null_count() == len(units) else pl.col(column)
        for column, default in (("pert_dose_unit", "uM"), ("pert_time_unit", "h"))
    )
    micromolar = dose_unit.replace_strict(MICROMOLAR, default=None, return_dtype=pl.Float64)
    return table.select(
        "row",
        "pert_type",
        signature="sig_id",
        drug="pert_id",
        cell="cell_iname",
        dose_um=pl.col("pert_dose") * micromolar,
        nearest_dose_um=pl.col("nearest_dose") * micromolar,
        time_h=pl.col("pert_time") * time_unit.replace_strict(HOURS, default=None, return_dtype=pl.Float64),
        hiq=pl.col("is_hiq").replace_strict(TRUTH, default=None, return_dtype=pl.Int8) == 1,
        qc_pass=pl.col("qc_pass").replace_strict(TRUTH, default=None, return_dtype=pl.Int8) == 1,
        tas="tas",
        replicate_correlation="cc_q75",
        replicates=pl.col("nsample").cast(pl.Int64),
        merged=pl.lit(1, pl.Int64),
    )
