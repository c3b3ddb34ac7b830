"""Describe one fold of a split: manifest, distance of the test drugs, training means of the cell lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturbkg import schemas
from perturbkg.graph.arrays import Graph
from perturbkg.io.files import write_json
from perturbkg.io.matrices import read_labels, write_matrix
from perturbkg.io.scripting import reporting
from perturbkg.scoring.means import mean_profiles
from perturbkg.splits._describe import describe, nearest_training_drugs
from perturbkg.splits._evaluated import Condition
from perturbkg.splits._tables import add_parts, read_signatures


def main(
    *,
    fold: str | Path,
    signatures: str | Path,
    drugs: str | Path,
    cells: str | Path,
    graph: str | Path,
    graph_nodes: str | Path,
    evaluate: Mapping[str, Any],
    manifest: str | Path,
    test_drugs: str | Path,
    cell_means: str | Path,
) -> None:
    """Write the manifest (JSON), schemas.TestDrugs, and the mean training profile of each cell line."""
    drug_table = schemas.read(drugs, schemas.Drugs)
    table = add_parts(read_signatures(signatures, drug_table), fold)
    nearest = nearest_training_drugs(
        table, drug_table, Graph.load(graph), schemas.read(graph_nodes, schemas.GraphNodes)
    )
    means, obs = mean_profiles(signatures, table, schemas.read(cells, schemas.Cells))
    _, var = read_labels(signatures)
    condition = Condition(**evaluate)
    evaluated = {"evaluate": condition.counts(signatures, table["part"])} if condition.asked else {}
    write_json(describe(table, nearest) | evaluated, manifest)
    schemas.write(nearest, schemas.TestDrugs, test_drugs)
    write_matrix(means, obs, var, cell_means)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "describe_fold"):
        main(
            fold=snakemake.input.fold,
            signatures=snakemake.input.signatures,
            drugs=snakemake.input.drugs,
            cells=snakemake.input.cells,
            graph=snakemake.input.graph,
            graph_nodes=snakemake.input.graph_nodes,
            evaluate=snakemake.params.evaluate,
            manifest=snakemake.output.manifest,
            test_drugs=snakemake.output.test_drugs,
            cell_means=snakemake.output.cell_means,
        )
