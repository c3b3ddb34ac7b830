"""Which nodes have something to encode, and who encodes it."""

from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table, Titles


class Coverage(Table):
    """One row per node type, modality and encoder."""

    title = "What nodes are encoded from"
    note = (
        "Nodes of each type, and how many of them have something to encode in each modality; then which "
        "encoder reads it, and how many of these nodes it cuts at its maximum length (–: this encoder cuts "
        "nothing, or none reads it). Other nodes have zeros, and are marked as not encoded. 0 nodes: an "
        "encoder is named for this type, but the graph has no node of it."
    )
    section = "data"
    columns: ClassVar[Columns] = {
        "type": pl.String,
        "modality": pl.String,
        "nodes": pl.Int64,
        "present": pl.Int64,  # nodes with something to encode
        "encoder": pl.String,  # null where none reads it
        "cut": pl.Int64,  # of the present ones; null for an encoder that cuts nothing
    }
    titles: ClassVar[Titles] = {"present": "With something to encode"}

    def compute(self, results: Results) -> pl.DataFrame:
        """Take what schemas.Counts says about nodes apart.

        A modality that no node of a type has is left out, unless an encoder is named for it.
        """
        embedded, known = pl.col("stage") == "embed_nodes", pl.col("reason").is_in(["present", "absent"])
        cut, count = pl.col("reason").str.contains(": cut at "), pl.col("count")
        lines = (
            results.counts.filter(embedded | (pl.col("stage") == "collect_node_inputs") & known)
            # "<type> <modality>", and of embed_nodes " by <encoder>"; a type may have spaces.
            .with_columns(
                pl.col("what").str.extract_groups(r"^(?<type>.+?) (?<modality>\w+)(?: by (?<encoder>\w+))?$")
            )
            .unnest("what")
            .group_by("type", "modality", "encoder")
            .agg(
                nodes=count.filter(known | (pl.col("reason") == "read")).sum(),
                present=count.filter(pl.col("reason").is_in(["present", "kept"])).sum(),
                cut=pl.when(cut.any()).then(count.filter(cut).sum()),
            )
        )
        read = lines.drop_nulls("encoder")
        unread = lines.filter(pl.col("encoder").is_null()).join(read, on=["type", "modality"], how="anti")
        return pl.concat([read, unread]).sort("type", "modality", "encoder")
