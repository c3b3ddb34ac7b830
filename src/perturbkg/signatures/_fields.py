"""Read the text tables of the Connectivity Map: what a field says, or null where nothing is known.

Unknown values are `-666` in any notation (-666.0, -666.000000, and -666000 where a unit was converted) or
`restricted`, which takes the place of a structure that its owner withholds. Where replicates are collapsed
into a signature, a field can hold a value for each, joined by `|`: the table of GSE92742 has the doses
`300.0|300.000000` and `-666.0|-666.000000`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from perturbkg.io.delimited import MISSING, read

UNKNOWN = r"(?i)^\s*(-666(000)*(\.0*)?|restricted)?\s*$"
WITHHELD = r"(?i)^\s*restricted\s*$"
SAME = 1e-3  # relative difference of two notations of one number, such as 10 and 9.99999


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), *, missing: Sequence[str] = MISSING
) -> pl.DataFrame:
    """Read columns as `io.delimited.read` does, and make unknown values null."""
    return read(path, required, optional, missing=missing).with_columns(known(pl.col(pl.String)))


def known(text: pl.Expr) -> pl.Expr:
    """Return text, null where it says that nothing is known."""
    return pl.when(~text.str.contains(UNKNOWN)).then(text)


def of_another_type(pert_type: str | None) -> pl.Expr:
    """Return whether a row is of another pert_type than the one that is wanted; null wants all."""
    if pert_type is None:
        return pl.lit(value=False)
    return (pl.col("pert_type") != pert_type).fill_null(value=False)


def withheld(structure: pl.Expr) -> pl.Expr:
    """Return whether the owner of a structure withholds it."""
    return structure.str.contains(WITHHELD).fill_null(value=False)


def members(text: pl.Expr) -> pl.Expr:
    """Return the list of the known values of a field that holds several, in order; null if none is known."""
    each = text.str.split("|").list.eval(known(pl.element().str.strip_chars()).drop_nulls())
    return pl.when(each.list.len() > 0).then(each)


def collapsed(table: pl.DataFrame, numbers: Iterable[str], texts: Iterable[str] = ()) -> pl.DataFrame:
    """Reduce fields of several values, as text, to the value that their known members agree on, else null.

    A field of `numbers` with a member that is not a number is returned whole, for an error to show.
    """

    def several(column: str) -> bool:
        return bool(table[column].str.contains("|", literal=True).any())

    table = table.with_columns(known(pl.col([*numbers, *texts])))
    for column in filter(several, texts):
        each = members(pl.col(column)).list.unique()
        table = table.with_columns(pl.when(each.list.len() == 1).then(each.list.first()).alias(column))
    for column in filter(several, numbers):
        each = members(pl.col(column))
        number = each.list.eval(pl.element().cast(pl.Float64, strict=False))
        legible = number.list.eval(pl.element().is_not_null()).list.all()
        spread = number.list.max() - number.list.min()
        agree = spread <= SAME * number.list.eval(pl.element().abs()).list.max()
        value = pl.when(agree).then(each.list.first())
        whole = ~pl.col(column).str.contains("|", literal=True) | ~legible
        table = table.with_columns(pl.when(whole).then(pl.col(column)).otherwise(value).alias(column))
    return table
