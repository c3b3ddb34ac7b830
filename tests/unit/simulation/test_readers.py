"""The readers of the real sources read the world, and every planted path is in the merged graph."""

from pathlib import Path

import polars as pl
import pytest

from perturbkg import plugins, schemas
from perturbkg.baselines._join import join_baseline
from perturbkg.drugs.prepare import prepare
from perturbkg.drugs.targets import known_targets
from perturbkg.graph.merge import Merged, merge_graph
from perturbkg.io.files import read_json

FILTERS = {
    "pert_type": "trt_cp",
    "dose_um": 10.0,
    "dose_tolerance": 0.2,
    "time_h": 24.0,
    "cells": [],
    "require_hiq": True,
    "require_qc_pass": True,
    "minimum_tas": None,
    "minimum_replicate_correlation": None,
}


@pytest.fixture(scope="module")
def merged(raw_world: dict[str, Path]) -> Merged:
    source = plugins.create("signatures", "lincs2020")
    graph = plugins.create("knowledge_graphs", "primekg").read(raw_world)
    genes = source.genes(raw_world)
    baseline = plugins.create("baselines", "table").read(raw_world, genes)
    lines = join_baseline(source.cell_lines(raw_world), baseline)
    selected = source.select(raw_world, FILTERS)
    assert selected.selection.height > 50
    prepared = prepare(source.compounds(raw_world).table, selected.selection["drug"], graph.nodes, raw_world)
    assert set(prepared.matches["match"]) >= {"inchikey", "xref", "name", "none"}
    assert prepared.exclusions.height == 2  # the unparsable SMILES and the missing one
    return merge_graph(
        nodes=graph.nodes,
        edges=graph.edges,
        drugs=prepared.drugs,
        targets=known_targets(prepared.drugs, prepared.library, graph.nodes, graph.edges)[0],
        cells=lines.cells,
        baseline=lines.baseline,
        entrez=genes.entrez,
        relations={},
        expressed_genes=20,
    )


def test_every_planted_path_is_in_the_merged_graph(merged: Merged, raw_world: dict[str, Path]) -> None:
    nodes = merged.nodes["node"].to_numpy()
    neighbours: dict[str, set[str]] = {}
    for src, dst in zip(nodes[merged.graph.src], nodes[merged.graph.dst], strict=True):
        neighbours.setdefault(src, set()).add(dst)
    truth = schemas.read(raw_world["truth_edges"], schemas.TruthEdges)
    # A drug whose signatures were all filtered out is not a node.
    paths = truth.filter(pl.col("drug").is_in(merged.nodes["node"].to_list()))
    assert paths["drug"].n_unique() >= 20
    for drug, target, via, pathway, gene in paths.drop("effect").unique().iter_rows():
        reached = neighbours[drug].union(*(neighbours[other] for other in neighbours[drug]))
        assert target in reached, (drug, target)
        assert via is None or via in neighbours[target]
        assert {via or target, gene} <= neighbours[pathway]
    assert read_json(raw_world["truth"])["planted"]["paths"] == truth.height
