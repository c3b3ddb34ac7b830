"""Read a knowledge graph into tables of its nodes, their descriptions, and its undirected edges."""

from pathlib import Path

from perturbkg import plugins, schemas
from perturbkg.io.scripting import reporting
from perturbkg.knowledge_graphs import require_edges


def main(
    *,
    files: dict[str, str],
    reader: str,
    nodes: str | Path,
    edges: str | Path,
    counts: str | Path,
    descriptions: str | Path,
) -> None:
    """Read `files` with the knowledge graph plug-in `reader`; write its tables and counts."""
    graph = plugins.create("knowledge_graphs", reader)
    paths = {key: Path(path) for key, path in files.items()}
    tables = graph.read(paths)
    require_edges(tables, paths.values())
    schemas.write(tables.nodes, schemas.Nodes, nodes)
    schemas.write(tables.edges, schemas.Edges, edges)
    schemas.write(tables.counts, schemas.Counts, counts)
    schemas.write(tables.descriptions, schemas.Descriptions, descriptions)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "read_knowledge_graph"):
        main(
            files=snakemake.params.files,
            reader=snakemake.params.reader,
            nodes=snakemake.output.nodes,
            edges=snakemake.output.edges,
            counts=snakemake.output.counts,
            descriptions=snakemake.output.descriptions,
        )
