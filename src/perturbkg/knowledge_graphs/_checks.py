"""Check that the tables of a knowledge graph fit together."""

import polars as pl

from perturbkg.errors import InputError


def check_edges(nodes: pl.DataFrame, edges: pl.DataFrame, name: str = "edges") -> None:
    """Raise InputError for an edge to a missing node, a self-loop, or an edge stored twice.

    `nodes` has the column node, `edges` relation, head and tail. The message calls the edges `name`, and an
    edge by its `row` where there is such a column, else by its place.
    """
    rows = edges if "row" in edges.columns else edges.with_row_index("row")
    for side in ("head", "tail"):
        lost = rows.join(nodes, left_on=side, right_on="node", how="anti").sort("row")
        if len(lost):
            edge = lost.row(0, named=True)
            raise InputError(
                f"{name}: row {edge['row']}: {side} {edge[side]!r} of a {edge['relation']!r} edge is not "
                f"among the nodes ({len(lost)} such edges); add the node or remove the edges"
            )
    loops = rows.filter(pl.col("head") == pl.col("tail"))
    if len(loops):
        raise InputError(
            f"{name}: row {loops['row'][0]}: self-loop on {loops['head'][0]!r} ({len(loops)} such edges); "
            "remove them"
        )
    ends = pl.struct(
        "relation", pl.min_horizontal("head", "tail"), pl.max_horizontal("head", "tail").alias("far")
    )
    twice = rows.filter(ends.is_duplicated())
    if len(twice):
        edge = twice.row(0, named=True)
        raise InputError(
            f"{name}: row {edge['row']}: the {edge['relation']!r} edge {edge['head']!r} - {edge['tail']!r} "
            f"is stored more than once ({len(twice)} such rows); store an undirected edge once"
        )
