"""The paper's configuration with files in the real formats from a loopback server: fetched, verified, run."""

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from publishing import publish, write_catalogue
from servers import Server
from tiny_models import options

from perturbkg import config as configuration
from perturbkg.graph.descriptions import LAYOUTS
from perturbkg.io.matrices import read_matrix
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import simulate
from perturbkg.simulation.writers import write_world

ROOT = Path(__file__).parents[2]
DATA = (ROOT / "../shared/data").resolve()
PAPER = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
TINY = yaml.safe_load((ROOT / "config/test.yaml").read_text())["simulation"]
OFFLINE = {"baseline"}
# These settings make it small; everything else is config/paper.yaml unchanged.
SMALL = """
seeds: [1]
folds: 2
splits: [scaffold]
minimum_signatures: 20
models: [zero, mean_per_cell, nearest_drugs, mlp, full_graph_gat, gat]
ablations: {gat: [shuffle_edges], full_graph_gat: []}
model_options:
  mlp: {ensemble: 1, epochs: 2}
  full_graph_gat: {ensemble: 1, epochs: 2}
  gat: {ensemble: 1, epochs: 2}
report: {reference: gat, without_graph: mlp, resamples: 100}
"""
# Node types of PrimeKG that the simulated world lacks: an edge each, so that the encoders get them.
OTHER_TYPES = {
    "molecular_function": ("molfunc_protein", "GO"),
    "cellular_component": ("cellcomp_protein", "GO"),
    "anatomy": ("anatomy_protein_present", "UBERON"),
    "effect/phenotype": ("phenotype_protein", "HPO"),
    "exposure": ("exposure_protein", "CTD"),
}

pytestmark = pytest.mark.slow


def add_other_types(path):
    """Append an edge of each other type to a kg.csv, in both directions."""
    with path.open(newline="") as file:
        first = next(row for row in csv.DictReader(file) if row["x_type"] == "gene/protein")
    gene = {part: first[f"x_{part}"] for part in ("index", "id", "type", "name", "source")}
    with path.open("a", newline="") as file:
        rows = csv.DictWriter(file, list(first), lineterminator="\n")
        for number, (node_type, (relation, source)) in enumerate(OTHER_TYPES.items()):
            other = {"index": 900_000 + number, "id": str(number), "type": node_type}
            other |= {"name": f"some {node_type}, named", "source": source}
            for x, y in ((gene, other), (other, gene)):
                ends = {f"{end}_{part}": node[part] for end, node in (("x", x), ("y", y)) for part in node}
                rows.writerow({"relation": relation, "display_relation": relation, **ends})


def write_features(kg, folder):
    """Write PrimeKG's own tables of drugs and diseases for the nodes of a kg.csv; return file key -> path."""
    nodes = pl.read_csv(kg, infer_schema=False).select(node_index="x_index", type="x_type", name="x_name")
    files = {}
    for key in ("drug_features", "disease_features"):
        of_type = nodes.filter(pl.col("type") == LAYOUTS[key].node_type).unique().sort("node_index")
        columns = {column: pl.lit(None, pl.String) for column in LAYOUTS[key].columns["text"]}
        columns[LAYOUTS[key].columns["text"][-1]] = pl.format("{}, described at length.", "name")
        files[key] = folder / f"{key}.csv"
        of_type.select("node_index", **columns).write_csv(files[key])
    return files


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Write the raw files that the paper's configuration reads, from a simulated world: file key -> path."""
    folder = tmp_path_factory.mktemp("published_world")
    simulated = simulate(SimulationOptions.of(TINY), np.random.default_rng(1))
    names = {"kg": "kg.csv", "gctx": "level5.gctx", "level3_ctl": "level3_ctl.gctx", "truth": "truth.json"}
    names |= {"truth_edges": "truth_edges.parquet", "level3_trt": "level3_trt.gctx"}
    tables = {
        key: f"{key}.csv" if key.endswith(("text", "sequence")) else f"{key}.txt" for key in simulated.tables
    }
    files = {key: folder / name for key, name in {**tables, **names}.items()}
    write_world(simulated, {**files, "instinfo": folder / "instinfo.txt"})
    add_other_types(files["kg"])
    return {**files, "instinfo": folder / "instinfo.txt", **write_features(files["kg"], folder)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("served")) as running:
        yield running


def wanted(overlay):
    """Return file key -> name in the catalogue of each file that the paper's configuration fetches."""
    default = configuration.read(ROOT / "config/config.yaml")
    return configuration.published_files({**default, **PAPER, **overlay})


def tiny_models(folder):
    """Write a tiny model of each architecture with random weights; return the config that finds them."""
    encoders = {name for names in PAPER["encoders"].values() for name in names if name not in OFFLINE}
    assert encoders == {"biobert", "molformer", "protein_bert"}
    found = {name: options(name, folder / "resources/weights") for name in encoders}
    return {
        "encoder_options": {
            name: {key: value for key, value in fields.items() if not key.endswith("_folder")}
            for name, fields in found.items()
        }
    }


@pytest.fixture(scope="module")
def finished(project, world, server):
    """Run all of config/paper.yaml once, on two cores."""
    copy = project("paper")
    published = {name: world[key] for key, name in wanted({}).items() if key in world}
    catalogue = publish(published, server.folder, server.url)
    write_catalogue(catalogue, copy.folder / "catalogue.yaml")
    small = yaml.safe_load(SMALL) | {"downloads": {"catalogue": "catalogue.yaml"}}
    (copy.folder / "small.yaml").write_text(yaml.safe_dump(small | tiny_models(copy.folder)))
    copy.environment["REQUESTS_CA_BUNDLE"] = str(server.ca)
    copy.run("--cores", "2", "--configfile", "config/paper.yaml", "small.yaml")
    return copy


def test_the_paper_run_makes_its_report(finished):
    results = finished.folder / "results/paper"
    for name in ("kg/nodes.parquet", "signatures.h5ad", "graph/graph.npz", "scores.parquet", "report.html"):
        assert (results / name).stat().st_size > 0, name


def test_every_download_is_recorded_with_digest_and_verification(finished):
    run = json.loads((finished.folder / "results/paper/run.json").read_text())
    downloads = {receipt["name"]: receipt for receipt in run["downloads"]}
    assert set(downloads) == set(wanted({}).values())
    assert not run["inputs"]
    page = (finished.folder / "results/paper/report.html").read_text()
    for name, receipt in downloads.items():
        assert name in page
        assert (receipt["unpacked"] or receipt["download"])["digests"]["sha256"] in page
    assert len({receipt["verified"].split()[0] for receipt in downloads.values()}) >= 3


def test_the_baseline_comes_from_vehicle_wells_and_signatures_are_merged(finished):
    results = finished.folder / "results/paper"
    baseline, cells, _ = read_matrix(results / "baseline.h5ad")
    assert baseline.shape == (cells.height, 978)
    assert np.isfinite(baseline).all()
    _, signatures, _ = read_matrix(results / "signatures.h5ad")
    drugs = pl.read_parquet(results / "drugs.parquet")
    parents = signatures.join(drugs.select("drug", "parent"), on="drug").select("parent", "cell")
    assert parents.is_unique().all()


def test_a_second_run_and_an_edit_of_the_fetching_code_fetch_nothing(finished):
    arguments = ("--configfile", "config/paper.yaml", "small.yaml")
    assert "Nothing to be done" in finished.run("--cores", "1", *arguments)
    path = finished.folder / "src/perturbkg/sources/fetch.py"
    path.write_text(path.read_text() + "\n# an edit\n")
    assert not [job for job in finished.planned(*arguments) if job[0] == "download_source"]


def test_a_file_changed_by_its_publisher_is_one_line_and_the_old_one_stays(finished, server):
    receipts = (finished.folder / "resources/downloads").glob("*.json")
    unstated = next(
        r["name"] for r in map(json.loads, (p.read_text() for p in receipts)) if "first" in r["verified"]
    )
    (served,) = (server.folder / unstated).iterdir()
    before = served.read_bytes()
    served.write_bytes(before + b"\n")
    folder = finished.folder / "resources/downloads"
    (folder / f"{unstated}.json").unlink()
    for path in (folder / unstated).iterdir():
        path.unlink()
    try:
        printed = finished.run(
            "--cores",
            "1",
            "--configfile",
            "config/paper.yaml",
            "small.yaml",
            "--",
            str(Path("resources/downloads") / f"{unstated}.json"),
            status=1,
        )
    finally:
        served.write_bytes(before)
    reported = [line for line in printed.splitlines() if line.startswith("error in download_source:")]
    assert len(reported) == 1
    assert unstated in reported[0]
    assert "sources.lock.json" in reported[0]
    assert "Traceback" not in printed


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
def test_real_files_served_like_those_of_the_publishers(project, tmp_path_factory):
    """Fetch the real slice, its baseline taken from a path, and embed its texts with tiny models."""
    copy = project("paper_real")
    local = yaml.safe_load((ROOT / "config/local.yaml").read_text())["files"]
    overlay = {
        "name": "real",
        "baseline": "table",
        "files_root": str(DATA),
        "files": {"baseline": local["baseline"]},
    }
    names = {name: key for key, name in wanted(overlay).items()}
    files = {name: DATA / local[key] for name, key in names.items() if key in local}
    features = write_features(DATA / local["kg"], tmp_path_factory.mktemp("features"))
    files |= {name: features[key] for name, key in names.items() if key in features}
    with Server(tmp_path_factory.mktemp("served_real")) as running:
        write_catalogue(publish(files, running.folder, running.url), copy.folder / "catalogue.yaml")
        copy.environment["REQUESTS_CA_BUNDLE"] = str(running.ca)
        overlay["downloads"] = {"catalogue": "catalogue.yaml"}
        (copy.folder / "real.yaml").write_text(yaml.safe_dump(overlay | tiny_models(copy.folder)))
        embedded = ("drug.molformer", "drug.biobert", "disease.biobert", "gene_protein.protein_bert")
        targets = ["splits/scaffold/fold0.parquet", *(f"features/{name}.safetensors" for name in embedded)]
        copy.run(
            "--cores", "2", "--configfile", "config/paper.yaml", "real.yaml",
            "--", *(f"results/real/{target}" for target in targets),
        )  # fmt: skip
    results = copy.folder / "results/real"
    assert pl.read_parquet(results / "kg/nodes.parquet").height == 44_897
    _, signatures, _ = read_matrix(results / "signatures.h5ad")
    merged = pl.read_parquet(results / "signatures/read_counts.parquet")
    assert 3_600 < signatures.height < 3_869, merged
    kept = {
        name: dict(
            pl.read_parquet(results / f"features/{name}.counts.parquet").select("reason", "count").rows()
        )
        for name in embedded
    }
    assert kept["drug.biobert"]["kept"] > kept["drug.molformer"]["kept"] > 500
    assert kept["gene_protein.protein_bert"]["of these: cut at 512 tokens"] > 500


def test_nodes_are_embedded_by_every_model_of_the_paper_and_what_was_cut_is_reported(finished):
    counts = pl.read_csv(finished.folder / "results/paper/tables/counts.csv").filter(stage="embed_nodes")
    read = dict(counts.filter(reason="read").select("what", "count").iter_rows())
    kept = dict(counts.filter(reason="kept").select("what", "count").iter_rows())
    assert kept["drug text by biobert"] == read["drug text by biobert"] > 0
    assert 0 < kept["gene/protein sequence by protein_bert"] < read["gene/protein sequence by protein_bert"]
    assert kept["lincs_drug smiles by molformer"] == read["lincs_drug smiles by molformer"] > 0
    assert counts.filter(pl.col("reason").str.contains("cut at 512 tokens")).height >= 5
    assert list((finished.folder / "resources/embeddings").glob("*.sqlite"))
