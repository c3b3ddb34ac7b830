"""Nodes embedded by a tiny language model through Snakemake: killed, resumed, shared, and reported."""

import sqlite3
import subprocess
import time

import polars as pl
import psutil
import pytest
import yaml
from tiny_models import options

from perturbkg.graph.features import read_features

pytestmark = pytest.mark.slow
TYPES = {"gene/protein": "gene_protein", "disease": "disease", "pathway": "pathway"}
FILES = {node_type: f"results/test/features/{slug}.biobert.safetensors" for node_type, slug in TYPES.items()}
CONFIG = ("--configfile", "config/test.yaml", "tiny.yaml")


def configure(folder, **changed):
    """Write a tiny BioBERT for every type, one text in a batch, and the config that finds it."""
    fields = options("biobert", folder / "resources/weights")
    fields = {name: value for name, value in fields.items() if not name.endswith("_folder")}
    found = {
        "encoders": {node_type: ["biobert"] for node_type in TYPES},
        "encoder_options": {"biobert": fields | {"tokens_per_batch": 1} | changed},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(found))


@pytest.fixture(scope="module")
def copy(project):
    """Return a project whose node inputs exist."""
    copy = project("language_models")
    configure(copy.folder)
    copy.run("--cores", "1", *CONFIG, "--", "results/test/graph/inputs.parquet")
    return copy


def vectors_on_disk(copy):
    """Return the number of vectors on the disk."""
    try:
        file = sqlite3.connect(copy.folder / "resources/embeddings/tiny--biobert.sqlite", timeout=60)
        found = file.execute("SELECT count(*) FROM vectors").fetchone()[0]
        file.close()
    except sqlite3.OperationalError:  # not made yet
        return 0
    return found


def job_of(running, rule):
    """Return the process that runs the script of a rule, or None."""
    for process in psutil.Process(running.pid).children(recursive=True):
        if process.name().startswith("python") and f"{rule}.py" in " ".join(process.cmdline()):
            return process
    return None


def test_a_killed_job_resumes_where_it_stopped_and_jobs_share_vectors(copy):
    wanted = FILES["gene/protein"]
    cache = copy.folder / "src/perturbkg/encoders/_language_models/cache.py"
    before = cache.read_text()
    cache.write_text(before.replace("EVERY = 2.0", "EVERY = 0.0"))  # vectors are written batch by batch
    assert cache.read_text() != before
    running = subprocess.Popen(
        copy.command("--cores", "1", *CONFIG, "--", wanted),
        cwd=copy.folder,
        env=copy.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while vectors_on_disk(copy) < 20:
        assert running.poll() is None
        time.sleep(0.01)
    job_of(running, "embed_nodes").kill()
    assert running.wait() == 1
    stopped = vectors_on_disk(copy)
    assert not (copy.folder / wanted).exists()
    cache.write_text(before)
    # Now all types at once, in two jobs.
    copy.run("--cores", "2", "--resources", "gpu=2", *CONFIG, "--", *FILES.values())
    inputs = pl.read_parquet(copy.folder / "results/test/graph/inputs.parquet")
    texts = inputs.filter(pl.col("type").is_in(list(TYPES))).drop_nulls("text")
    genes = texts.filter(type="gene/protein")["text"].n_unique()
    assert 20 <= stopped < genes
    assert vectors_on_disk(copy) == texts["text"].n_unique()
    log = (copy.folder / "logs/test/embed_nodes/gene_protein.biobert.log").read_text()
    assert f"{genes} distinct inputs so far, {stopped} of them kept from before" in log
    nodes = pl.read_parquet(copy.folder / "results/test/graph/nodes.parquet")
    found = read_features([copy.folder / path for path in FILES.values()], nodes)
    assert {node_type: found[node_type].encoded.sum() for node_type in TYPES} == dict(
        texts.group_by("type").len().iter_rows()
    )


@pytest.mark.parametrize(
    ("change", "rule", "parts"),
    [
        (
            {"model": "tiny/absent", "revision": "0" * 40},
            "fetch_weights",
            ["config.json, vocab.txt, pytorch_model.bin or model.safetensors is wanted in", "hashed_text"],
        ),
        ({"device": "cuda"}, "embed_nodes", ["device: cuda was asked for", "write auto or cpu"]),
        ({"max_length": 513}, "embed_nodes", ["max_length: 513 is more than the 512 positions"]),
    ],
)
def test_a_config_that_cannot_run_is_one_line(copy, monkeypatch, change, rule, parts):
    monkeypatch.setitem(copy.environment, "HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(copy.environment, "CUDA_VISIBLE_DEVICES", "")
    configure(copy.folder, **change)
    printed = copy.run("--cores", "1", *CONFIG, "--", FILES["disease"], status=1)
    reported = [line for line in printed.splitlines() if line.startswith(f"error in {rule}:")]
    assert len(reported) == 1
    assert all(part in reported[0] for part in parts)
    assert "Traceback" not in printed
