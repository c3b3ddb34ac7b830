"""How drugs were found in the knowledge graph."""

from typing import ClassVar

import polars as pl

from perturbkg.report.results import Results
from perturbkg.report.tables import Columns, Table, Titles


class Matches(Table):
    """One row per way of matching."""

    title = "Drugs found in the knowledge graph"
    note = "How each L1000 drug was matched: by parent InChIKey, by cross-reference, by name, or not at all."
    section = "data"
    columns: ClassVar[Columns] = {"match": pl.String, "drugs": pl.Int64, "kg_nodes": pl.Int64}
    titles: ClassVar[Titles] = {"kg_nodes": "Nodes of the graph"}

    def compute(self, results: Results) -> pl.DataFrame:
        """Count drugs (schemas.Matches) and the nodes that they were matched with."""
        ways = results.matches.group_by("match").agg(
            drugs=pl.len(), kg_nodes=pl.col("kg_node").drop_nulls().n_unique()
        )
        return ways.sort("drugs", "match", descending=[True, False])
