"""Runs are collected in order, with the same signatures in every run of a fold, reproducibly."""

import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.files import write_json
from perturbkg.scoring.collect import collect


@pytest.fixture
def run(tmp_path):
    """Return a function that writes scores.parquet and run.json of one run."""

    def write(model, *, fold=0, signatures=("s1", "s2"), metrics=("pearson", "mae"), **changes):
        folder = tmp_path / f"{model}{fold}{len(signatures)}"
        identity = {
            "dataset": "demo", "split": "random", "fold": fold, "model": model, "ablation": "none",
            "share": 1.0, "seed": 0
        }  # fmt: skip
        columns = schemas.Scores.to_schema().columns
        rows = [
            {**identity, "signature": signature, "metric": metric, "value": 0.5, "reason": None}
            for metric in metrics
            for signature in signatures
        ]
        schema = {name: column.dtype.type for name, column in columns.items()}
        schemas.write(pl.DataFrame(rows, schema=schema), schemas.Scores, folder / "scores.parquet")
        record = {
            "identity": identity,
            "seconds": {"load": 1.0, "ablate": 0.0, "fit": 2.5, "predict": 0.5},
            "peak_memory_mb": 512.0,
            "drugs": 30,
            "parameters": 1000,
            "epochs": 12,
            "threads": 1,
            "chosen": {"penalty": "3", "attention": "torch"},
            "ablation": {"notes": {"moved": 0.9, "edges": 10}},
            "versions": {"python": "3.11"},
        }
        write_json({**record, **changes}, folder / "run.json")
        return folder / "scores.parquet", folder / "run.json"

    return write


def test_keeps_the_order_given_and_every_row(run):
    paths = [run("mlp"), run("gat"), run("mlp", fold=1, signatures=("s3",))]
    scores, runs = collect(*zip(*paths, strict=True))
    assert scores.select("model", "fold", "signature", "metric").rows() == [
        *[("mlp", 0, s, m) for m in ("pearson", "mae") for s in ("s1", "s2")],
        *[("gat", 0, s, m) for m in ("pearson", "mae") for s in ("s1", "s2")],
        *[("mlp", 1, "s3", m) for m in ("pearson", "mae")],
    ]
    schemas.check(scores, schemas.Scores, "scores")
    schemas.check(runs, schemas.Runs, "runs")
    assert runs["model"].to_list() == ["mlp", "gat", "mlp"]
    assert runs.row(0, named=True) == {
        "dataset": "demo", "split": "random", "fold": 0, "model": "mlp", "ablation": "none", "share": 1.0,
        "seed": 0, "drugs": 30,
        "seconds_load": 1.0, "seconds_ablate": 0.0, "seconds_fit": 2.5, "seconds_predict": 0.5,
        "peak_memory_mb": 512.0, "parameters": 1000, "epochs": 12, "threads": 1,
        "chosen": '{"attention": "torch", "penalty": "3"}', "notes": '{"edges": 10, "moved": 0.9}',
    }  # fmt: skip


def test_a_run_that_lacks_a_signature_or_a_metric_is_named(run):
    whole, fewer = run("mlp"), run("gat", signatures=("s1",))
    with pytest.raises(
        InputError, match=r"gat01/scores.parquet: no pearson of signature 's2', which .*mlp02"
    ):
        collect(*zip(whole, fewer, strict=True))
    with pytest.raises(
        InputError, match=r"gat01/scores.parquet: no pearson of signature 's2', which .*mlp02"
    ):
        collect(*zip(fewer, whole, strict=True))
    with pytest.raises(InputError, match="no mae of signature 's1'"):
        collect(*zip(whole, run("ridge", metrics=("pearson",)), strict=True))


def test_duplicate_or_reordered_rows_are_an_error(run):
    whole = run("mlp")
    for signatures in (("s2", "s1"), ("s1", "s2", "s2")):
        with pytest.raises(InputError, match="doubled or in another order"):
            collect(*zip(whole, run("gat", signatures=signatures), strict=True))


def test_scores_of_another_run_or_the_same_twice_are_an_error(run):
    one, two = run("mlp"), run("gat")
    with pytest.raises(InputError, match="not the scores of the run in"):
        collect([one[0], two[0]], [two[1], one[1]])
    with pytest.raises(InputError, match="was collected before"):
        collect([one[0], one[0]], [one[1], one[1]])
    with pytest.raises(InputError, match="cannot collect 0 score tables of 0 runs"):
        collect([], [])


def test_a_run_record_without_a_key_is_named(run):
    scores, record = run("mlp", seconds={"load": 1.0})
    with pytest.raises(InputError, match=r"run.json: no key 'ablate'; train the run again"):
        collect([scores], [record])


def test_equal_inputs_give_equal_bytes(run, tmp_path):
    paths = [run("mlp"), run("gat")]
    for name in ("one", "two"):
        schemas.write(collect(*zip(*paths, strict=True))[0], schemas.Scores, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
