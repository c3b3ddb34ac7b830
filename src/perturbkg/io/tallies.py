"""Make the tables Counts and Exclusions: what each step of the preparation read, removed and kept."""

from collections.abc import Sequence

import polars as pl


def counted(stage: str, what: str, lines: Sequence[tuple[str, int]]) -> pl.DataFrame:
    """Make a Counts table of (reason, count) lines."""
    return pl.DataFrame(
        {
            "stage": [stage] * len(lines),
            "what": [what] * len(lines),
            "reason": [reason for reason, _ in lines],
            "count": [count for _, count in lines],
        },
        schema={"stage": pl.String, "what": pl.String, "reason": pl.String, "count": pl.Int64},
    )


def excluded(stage: str, what: str, table: pl.DataFrame) -> pl.DataFrame:
    """Make an Exclusions table of a table with the columns item, row and reason."""
    return table.select(
        stage=pl.lit(stage),
        what=pl.lit(what),
        item=pl.col("item").cast(pl.String),
        row=pl.col("row").cast(pl.Int64),
        reason=pl.col("reason").cast(pl.String),
    )
