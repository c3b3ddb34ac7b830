"""A small part of the real signatures and graph, if they are next to the project."""

import json
from pathlib import Path

import polars as pl
import pytest

DATA = (Path(__file__).parents[2] / "../shared/data").resolve()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there"),
]

CUT = """
name: cut
filters: {cells: [THP1, XC.L10, HEK293, JURKAT]}
splits: [scaffold]
folds: 2
models: [mean_per_cell, nearest_drugs, mlp, propagation, gat]
ablations: {gat: [shuffle_edges]}
report: {reference: gat, without_graph: mlp}
model_options:
  mlp: {ensemble: 1, epochs: 5}
  propagation: {ensemble: 1, epochs: 5}
  gat: {ensemble: 1, epochs: 5}
"""


@pytest.fixture(scope="module")
def results(project):
    copy = project("real_slice")
    (copy.folder / "cut.yaml").write_text(CUT)
    copy.run(
        "--cores", "2", "--configfile", "config/local.yaml", "cut.yaml", "--config", f"files_root={DATA}"
    )
    return copy.folder / "results/cut"


def test_the_real_files_are_read_completely(results):
    nodes = pl.read_parquet(results / "kg/nodes.parquet")
    edges = pl.read_parquet(results / "kg/edges.parquet")
    assert nodes.height == 44_897
    counts = pl.read_parquet(results / "kg/counts.parquet").filter(pl.col("what").str.contains("edge|row"))
    assert counts.filter(pl.col("reason") == "read")["count"].to_list() == [703_708]
    assert 340_000 < edges.height < 352_000


def test_drugs_are_matched_to_the_graph_and_the_way_of_matching_is_recorded(results):
    matches = pl.read_parquet(results / "drugs/matches.parquet")
    ways = dict(matches.group_by("match").len().iter_rows())
    assert ways["xref"] > 100
    assert matches.filter((pl.col("match") == "none") != pl.col("kg_node").is_null()).is_empty()


def test_scores_are_plausible_for_real_biology(results):
    scores = pl.read_parquet(results / "scores.parquet").with_columns(
        pl.col("model", "ablation", "metric").cast(str)
    )
    means = dict(
        scores.filter(pl.col("metric") == "pearson", pl.col("ablation") == "none")
        .group_by("model")
        .agg(pl.col("value").mean())
        .iter_rows()
    )
    assert 0.2 < means["mean_per_cell"] < 0.45
    assert all(0.2 < value < 0.6 for value in means.values())
    # Without the drug a model scores the chance level of retrieval, also on real data.
    control = scores.filter(pl.col("metric") == "retrieval", pl.col("model") == "mean_per_cell")["value"]
    assert control.drop_nulls().mean() == pytest.approx(0.5)


def test_rewiring_moved_most_edges_and_kept_every_degree(results):
    run = json.loads((results / "runs/scaffold/fold0/gat/shuffle_edges/seed1/run.json").read_text())
    assert run["ablation"]["notes"]["moved_share"]["all"] > 0.8
