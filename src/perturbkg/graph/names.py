"""Find nodes by name: a list of ways from strict to loose, and no guess between several nodes."""

from collections.abc import Callable, Mapping

import polars as pl

AMBIGUOUS = "ambiguous"
NONE = "none"


def exact(name: pl.Expr) -> pl.Expr:
    """Leave a name as it is."""
    return name


def caseless(name: pl.Expr) -> pl.Expr:
    """Ignore case: C1orf112 is C1ORF112."""
    return name.str.to_lowercase()


def normalised(name: pl.Expr) -> pl.Expr:
    """Keep the words and their order alone: "Carcinoma, Small-Cell" is "carcinoma small cell"."""
    return name.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()


def find_nodes(
    names: pl.Series, nodes: pl.DataFrame, ways: Mapping[str, Callable[[pl.Expr], pl.Expr]]
) -> pl.DataFrame:
    """Return (name, node, match) of each distinct name, in order of first mention.

    `nodes` has the columns node and name. `match` is the first of `ways` by which a node has that name,
    "ambiguous" (node null) when several have it by that way, "none" (node null) when no way finds one.
    """
    left = pl.DataFrame({"name": names.unique(maintain_order=True).drop_nulls()})
    order = left
    found = []
    for way, key in ways.items():
        by_key = (
            nodes.select("node", key=key(pl.col("name")))
            .filter(pl.col("key") != "")
            .group_by("key")
            .agg(pl.col("node").first(), several=pl.len() > 1)
        )
        hits = left.with_columns(key=key(pl.col("name"))).join(by_key, on="key")
        found.append(
            hits.select(
                "name",
                node=pl.when(~pl.col("several")).then("node"),
                match=pl.when("several").then(pl.lit(AMBIGUOUS)).otherwise(pl.lit(way)),
            )
        )
        left = left.join(hits, on="name", how="anti")
    return order.join(pl.concat(found), on="name", how="left", maintain_order="left").with_columns(
        pl.col("match").fill_null(NONE)
    )
