"""Collect the inputs of the encoders for each node of the merged graph."""

from collections.abc import Mapping
from pathlib import Path

from perturbkg import schemas
from perturbkg.graph.descriptions import LAYOUTS, read_descriptions
from perturbkg.graph.inputs import collect_inputs
from perturbkg.io.scripting import reporting


def main(
    *,
    graph_nodes: str | Path,
    drugs: str | Path,
    cells: str | Path,
    nodes: str | Path,
    descriptions: str | Path,
    files: Mapping[str, str | Path],
    inputs: str | Path,
    counts: str | Path,
) -> None:
    """Read the node table and the tables of descriptions that the dataset has; write inputs and counts.

    Tables with node indices need the `nodes` of the knowledge graph; `descriptions` are the graph's own.
    """
    found, counted = collect_inputs(
        schemas.read(graph_nodes, schemas.GraphNodes),
        schemas.read(drugs, schemas.Drugs),
        schemas.read(cells, schemas.Cells),
        {key: read_descriptions(key, path) for key, path in files.items() if key in LAYOUTS and path},
        nodes=schemas.read(nodes, schemas.Nodes),
        descriptions=schemas.read(descriptions, schemas.Descriptions),
    )
    schemas.write(found, schemas.NodeInputs, inputs)
    schemas.write(counted, schemas.Counts, counts)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "collect_node_inputs"):
        main(
            graph_nodes=snakemake.input.graph_nodes,
            drugs=snakemake.input.drugs,
            cells=snakemake.input.cells,
            nodes=snakemake.input.nodes,
            descriptions=snakemake.input.descriptions,
            files=snakemake.params.files,
            inputs=snakemake.output.inputs,
            counts=snakemake.output.counts,
        )
