"""Encode one modality of the nodes of one type."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from perturbkg import plugins, schemas
from perturbkg.encoders._nodes import encode_nodes, tally
from perturbkg.graph.features import write_features
from perturbkg.io.matrices import read_matrix
from perturbkg.io.scripting import reporting


def main(
    *,
    inputs: str | Path,
    baseline: str | Path,
    node_type: str,
    encoder: str,
    options: Mapping[str, Any],
    threads: int,
    folders: Mapping[str, str | Path],
    features: str | Path,
    counts: str | Path,
) -> None:
    """Read the inputs, encode those of one node type; write the vectors, and how many nodes have one.

    `folders` are those of a language model: of its weights, and of the cache of vectors.
    """
    fields: dict[str, Any] = {name: Path(folder) for name, folder in folders.items()}
    if folders:
        fields["threads"] = threads
    made = plugins.create("encoders", encoder, dict(options), **fields)
    with threadpool_limits(threads):
        found, remarks = encode_nodes(
            made, schemas.read(inputs, schemas.NodeInputs), node_type, read_matrix(baseline)[0]
        )
    write_features(found, features, node_type=node_type, encoder=encoder, options=dict(options))
    schemas.write(tally(found, node_type, made.modality, encoder, remarks), schemas.Counts, counts)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "embed_nodes"):
        main(
            inputs=snakemake.input.inputs,
            baseline=snakemake.input.baseline,
            node_type=snakemake.params.node_type,
            encoder=snakemake.params.encoder,
            options=snakemake.params.options,
            threads=snakemake.params.threads,
            folders=snakemake.params.folders,
            features=snakemake.output.features,
            counts=snakemake.output.counts,
        )
