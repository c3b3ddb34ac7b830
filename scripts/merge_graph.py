"""Merge the knowledge graph with the L1000 drugs and cell lines."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.graph.arrays import shared_beside
from perturbkg.graph.merge import merge_graph
from perturbkg.io.matrices import read_matrix
from perturbkg.io.scripting import reporting


def main(
    *,
    nodes: str | Path,
    edges: str | Path,
    drugs: str | Path,
    targets: str | Path,
    cells: str | Path,
    baseline: str | Path,
    relations: Mapping[str, bool],
    expressed_genes: int,
    graph: str | Path,
    graph_nodes: str | Path,
    provenance: str | Path,
    counts: str | Path,
) -> None:
    """Read tables and baseline, merge, write the graph and its tables."""
    cell_table = schemas.read(cells, schemas.Cells)
    X, obs, var = read_matrix(baseline)
    if obs.to_series(0).to_list() != cell_table["cell"].to_list():
        raise InputError(
            f"{baseline}: its cell lines are not those of {cells} in their order; run prepare_cells"
        )
    merged = merge_graph(
        nodes=schemas.read(nodes, schemas.Nodes),
        edges=schemas.read(edges, schemas.Edges),
        drugs=schemas.read(drugs, schemas.Drugs),
        targets=schemas.read(targets, schemas.Targets),
        cells=cell_table,
        baseline=X,
        entrez=var["entrez"].to_list(),
        symbols=var["symbol"].to_list(),
        relations=relations,
        expressed_genes=expressed_genes,
    )
    shutil.rmtree(shared_beside(graph), ignore_errors=True)  # of jobs on an earlier graph
    merged.graph.save(graph)
    schemas.write(merged.nodes, schemas.GraphNodes, graph_nodes)
    schemas.write(merged.provenance, schemas.Provenance, provenance)
    schemas.write(merged.counts, schemas.Counts, counts)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "merge_graph"):
        main(
            nodes=snakemake.input.nodes,
            edges=snakemake.input.edges,
            drugs=snakemake.input.drugs,
            targets=snakemake.input.targets,
            cells=snakemake.input.cells,
            baseline=snakemake.input.baseline,
            relations=snakemake.params.relations,
            expressed_genes=snakemake.params.expressed_genes,
            graph=snakemake.output.graph,
            graph_nodes=snakemake.output.graph_nodes,
            provenance=snakemake.output.provenance,
            counts=snakemake.output.counts,
        )
