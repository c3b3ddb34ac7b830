"""Every way to provide data, up to the merged graph and a split: by one word of the config, or own files."""

import os
import signal
import subprocess
import time

import polars as pl
import pytest
import yaml
from geo import write_geo
from publishing import publish, write_catalogue
from servers import Fault, Server
from translated import read_graph, write_ccle, write_optimuskg, write_own

from perturbkg import config as configuration
from perturbkg.io.files import read_json
from perturbkg.io.matrices import read_matrix

TARGETS = ("signatures.h5ad", "graph/inputs.parquet", "splits/scaffold/fold0.parquet")
SMALL = {"folds": 2, "splits": ["scaffold"], "minimum_signatures": 20}
#: Turn off the filters whose columns these tables lack.
UNFILTERED = {"require_hiq": False, "require_qc_pass": False}
PUBLISHED = {
    "source": "download",
    "knowledge_graph": "optimuskg",
    "signatures": "gse70138",
    "baseline": "ccle",
    "filters": UNFILTERED,
    "downloads": {"catalogue": "catalogue.yaml"},
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(raw_world, tmp_path_factory):
    """Return the files of one world in the formats of every publisher: kind -> file key -> path."""
    formats = {"lincs2020": raw_world}
    writers = {
        "optimuskg": write_optimuskg,
        "ccle": write_ccle,
        "own": write_own,
        "gse70138": lambda world, folder: write_geo(world, folder, "gse70138"),
    }
    for kind, write in writers.items():
        formats[kind] = write(raw_world, tmp_path_factory.mktemp(kind))
    return formats


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def copy(project, files, server):
    """Return a project whose catalogue points to the server."""
    copy = project("sources")
    names = wanted(copy, PUBLISHED)
    kinds = ("lincs2020", "ccle", "optimuskg", "gse70138")
    paths = {key: path for kind in kinds for key, path in files[kind].items()}
    served = {name: paths[key] for key, name in names.items() if key in paths}
    write_catalogue(publish(served, server.folder, server.url), copy.folder / "catalogue.yaml")
    copy.environment["REQUESTS_CA_BUNDLE"] = str(server.ca)
    return copy


def wanted(copy, overlay):
    """Return file key -> name in the catalogue of what a config fetches."""
    return configuration.published_files(
        {**configuration.read(copy.folder / "config/config.yaml"), **overlay}
    )


def config(copy, name, overlay):
    """Write the config of a dataset; return the arguments with which Snakemake makes its tables."""
    (copy.folder / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **SMALL, **overlay}))
    targets = [f"results/{name}/{target}" for target in TARGETS]
    return ["--configfile", f"{name}.yaml", "--", *targets]


def results_of(copy, name, overlay):
    """Run a dataset up to its tables."""
    copy.run("--cores", "2", *config(copy, name, overlay))
    results = copy.folder / "results" / name
    _, signatures, genes = read_matrix(results / "signatures.h5ad")
    split = pl.read_parquet(results / "splits/scaffold/fold0.parquet")
    assert genes.height == 978
    assert set(split["signature"]) == set(signatures["signature"])
    assert set(signatures["cell"]) <= set(pl.read_parquet(results / "cells.parquet")["cell"])
    return results


def same_graph(results, files):
    """Check that a graph has as many nodes and edges of each type as PrimeKG's reader finds."""
    graph = read_graph(files["lincs2020"])
    for name, column in (("nodes", "type"), ("edges", "relation")):
        found = pl.read_parquet(results / f"kg/{name}.parquet")[column]
        assert found.value_counts(sort=True).equals(getattr(graph, name)[column].value_counts(sort=True))


def test_one_word_of_the_config_says_which_graph_is_fetched(copy):
    primekg = wanted(copy, {"knowledge_graph": "primekg"})
    optimuskg = wanted(copy, {"knowledge_graph": "optimuskg"})
    assert {name for name in primekg.values() if name not in optimuskg.values()} == {
        "primekg_kg", "primekg_drug_features", "primekg_disease_features"
    }  # fmt: skip
    assert set(optimuskg.values()) - set(primekg.values()) == {"optimuskg_nodes", "optimuskg_edges"}


def test_optimuskg_geo_and_ccle_are_fetched_and_become_the_same_tables(copy, files):
    results = results_of(copy, "published", PUBLISHED)
    same_graph(results, files)
    assert pl.read_parquet(results / "drugs.parquet")["kg_node"].drop_nulls().len() > 5
    receipts = {path.stem for path in (copy.folder / "resources/downloads").glob("*.json")}
    assert receipts == set(wanted(copy, PUBLISHED).values())


def test_own_files_become_the_same_tables(copy, files):
    own = {**files["own"], "baseline": files["lincs2020"]["baseline"]}
    overlay = {"source": "files", "signatures": "table", "knowledge_graph": "table", "filters": UNFILTERED}
    overlay["files"] = {key: str(path) for key, path in own.items()}
    results = results_of(copy, "own", overlay)
    same_graph(results, files)
    assert pl.read_parquet(results / "drugs.parquet")["kg_node"].drop_nulls().len() > 5
    # A table that is not there is reported before anything runs.
    overlay["files"]["compounds"] = None
    reported = copy.run("--dry-run", *config(copy, "without", overlay), status=1)
    lines = [line for line in reported.splitlines() if line.startswith("config: ")]
    assert len(lines) == 1
    assert "files.compounds: not given, but `source: files` needs its path" in lines[0]
    assert "Traceback" not in reported


def test_deltas_made_from_wells(copy):
    simulation = configuration.read(copy.folder / "config/test.yaml")["simulation"]
    overlay = {"label": "level3", "baseline": "level3_controls", "simulation": simulation}
    results = results_of(copy, "wells", overlay)
    counts = pl.read_parquet(results / "signatures/read_counts.parquet")
    assert counts.filter(pl.col("what").str.contains("well")).height > 0, counts


def test_another_version_reruns_jobs_and_other_download_options_do_not(copy):
    arguments = config(copy, "published", PUBLISHED)

    def planned(*overlays):
        return {job[0] for job in copy.planned(arguments[0], arguments[1], *overlays, *arguments[2:])}

    (copy.folder / "patient.yaml").write_text("downloads: {retries: 20, timeout_s: 5.5}\n")
    assert planned("patient.yaml") == set()
    catalogue = configuration.read(copy.folder / "catalogue.yaml")
    catalogue["sources"]["optimuskg_edges"]["version"] = "2"
    write_catalogue(catalogue, copy.folder / "newer.yaml")
    (copy.folder / "release.yaml").write_text("downloads: {catalogue: newer.yaml}\n")
    assert {"download_source", "read_knowledge_graph", "merge_graph"} <= planned("release.yaml")


def test_a_run_killed_while_fetching_is_unlocked_and_resumes(copy, server):
    name = "optimuskg_edges"
    (served,) = (server.folder / name).iterdir()
    path = f"/{name}/{served.name}"
    folder = copy.folder / "elsewhere"
    overlay = {**PUBLISHED, "downloads": {**PUBLISHED["downloads"], "folder": "elsewhere"}}
    config(copy, "killed", overlay)
    arguments = ("--cores", "1", "--configfile", "killed.yaml")
    server.faults[path] = [Fault(rate=served.stat().st_size / 20)]
    before = len(server.requests_to(path))
    process = subprocess.Popen(
        copy.command(*arguments, "--", f"elsewhere/{name}.json"),
        cwd=copy.folder,
        env=copy.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 600
        while not any(part.stat().st_size for part in folder.glob("*/.*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (folder / f"{name}.json").exists()
    (part,) = folder.glob("*/.*.part")
    have = part.stat().st_size
    copy.run(*arguments, "--unlock")
    copy.run(*arguments, "--", f"elsewhere/{name}.json")
    requested = server.requests_to(path)[before:]
    assert [request.headers.get("Range") for request in requested] == [None, f"bytes={have}-"]
    receipts = [
        read_json(copy.folder / place / f"{name}.json") for place in ("elsewhere", "resources/downloads")
    ]
    assert receipts[0]["download"] == receipts[1]["download"]
