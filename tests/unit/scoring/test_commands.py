"""`perturbkg score`: files of the project and of others, complete or partial, in every format."""

import runpy
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from perturbkg import cli, schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import read_matrix, write_matrix

SCRIPTS = Path(__file__).parents[3] / "scripts"
GENES = [str(10 * gene) for gene in range(1, 121)]
CHOSEN = ("--metrics", "pearson", "--metrics", "mae", "--resamples", 50)


@pytest.fixture
def pair(tmp_path):
    """Write truth (12 signatures of 6 parents in one cell line), a prediction in another order, and means."""
    rng = np.random.default_rng(0)
    names = [f"s{number}" for number in range(12)]
    observed = rng.normal(0, 2, size=(12, 120))
    var = pl.DataFrame({"entrez": GENES})
    obs = pl.DataFrame(
        {"signature": names, "cell": ["A549"] * 12, "parent": [f"P{n // 2}" for n in range(12)]}
    )
    paths = {name: tmp_path / f"{name}.h5ad" for name in ("truth", "prediction", "means")}
    write_matrix(observed, obs, var, paths["truth"])
    predicted = (observed + rng.normal(size=observed.shape))[::-1, ::-1]
    write_matrix(predicted, pl.DataFrame({"signature": names[::-1]}), var[::-1], paths["prediction"])
    write_matrix(observed.mean(axis=0)[None], pl.DataFrame({"cell": ["A549"]}), var, paths["means"])
    return paths


def invoke(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, [str(argument) for argument in arguments])


def score(pair, *arguments):
    return invoke("score", "--truth", pair["truth"], "--prediction", pair["prediction"], *arguments)


def test_scores_with_every_metric(pair, tmp_path):
    X, obs, var = read_matrix(pair["prediction"])
    write_matrix(X, obs.with_columns(std=pl.lit(1.0)), var, pair["prediction"])
    output = tmp_path / "scores.parquet"
    result = invoke(
        "score", "--truth", pair["truth"], "--prediction", pair["prediction"],
        "--training-means", pair["means"], "--output", output,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "12 signatures; 95 % interval over parents" in result.output
    assert "undefined for" not in result.output
    table = schemas.read(output, schemas.MetricValues)
    means = dict(table.group_by(pl.col("metric").cast(pl.String)).agg(pl.col("value").mean()).rows())
    assert 0.8 < means["pearson"] < 0.95  # 2 / sqrt(5) = 0.894
    assert means["retrieval"] == 0
    assert abs(means["std_error_ratio"] - 1) < 0.05 and abs(means["coverage"] - 0.95) < 0.02
    assert (
        f"{means['pearson']:.4f}" in result.output
    )  # parents have equally many signatures, so the mean over parents is the mean


def test_without_training_means_the_centred_metrics_are_reported_as_undefined(pair):
    result = invoke(
        "score", "--truth", pair["truth"], "--prediction", pair["prediction"],
        "--metrics", "pearson_centred", "--metrics", "mae", "--resamples", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "pearson_centred: undefined for 12 signatures (" in result.output
    assert "- to" not in result.output
    assert "mae" in result.output and "spearman" not in result.output


def test_a_prediction_without_expected_errors_is_scored_all_the_same(pair):
    result = score(pair, "--metrics", "coverage", "--metrics", "mae", "--resamples", 50)
    assert result.exit_code == 0, result.output
    assert "coverage: undefined for 12 signatures (no predicted std above 0)" in result.output


def test_equal_seeds_print_equal_intervals(pair):
    arguments = ("score", "--truth", pair["truth"], "--prediction", pair["prediction"], "--metrics", "mae")
    first = invoke(*arguments, "--seed", 3).output
    assert first == invoke(*arguments, "--seed", 3).output
    assert first != invoke(*arguments, "--seed", 4).output


def test_a_bad_input_is_one_line_and_status_1(pair, monkeypatch, capsys):
    arguments = ["perturbkg", "score", "--truth", str(pair["truth"]), "--prediction", str(pair["means"])]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"error: {pair['means']}: none of its 1 signatures is in")


def test_an_unknown_metric_lists_the_known_ones(pair):
    result = score(pair, "--metrics", "pearsn")
    assert isinstance(result.exception, InputError)
    assert "unknown name 'pearsn' (did you mean 'pearson'?); known are auprc_deg," in str(result.exception)


def test_a_signature_without_parent_is_named(pair):
    obs = pl.DataFrame({"signature": ["a", "b"], "cell": ["A", "A"], "parent": ["P", None]})
    for name in ("truth", "prediction"):
        write_matrix(np.ones((2, 120)), obs, pl.DataFrame({"entrez": GENES}), pair[name])
    result = invoke("score", "--truth", pair["truth"], "--prediction", pair["prediction"])
    assert "signature 'b' has no parent" in str(result.exception)


def test_the_predicted_signatures_are_scored_and_the_rest_is_counted(pair, tmp_path):
    X, obs, var = read_matrix(pair["prediction"])
    write_matrix(X[3:8], obs[3:8], var, pair["prediction"])
    result = score(pair, *CHOSEN, "--output", tmp_path / "some.parquet")
    assert result.exit_code == 0, result.output
    assert "5 signatures; 95 % interval over parents" in result.output
    left = f"not scored: 7 signatures of {pair['truth']} that {pair['prediction']} does not have"
    assert left in result.output.splitlines()
    table = pl.read_parquet(tmp_path / "some.parquet").filter(metric="mae")
    assert table["signature"].to_list() == ["s4", "s5", "s6", "s7", "s8"]


def test_a_predicted_signature_that_was_not_observed_is_named(pair):
    X, obs, var = read_matrix(pair["prediction"])
    write_matrix(X, obs.with_columns(pl.col("signature").replace("s4", "t4")), var, pair["prediction"])
    error = str(score(pair, *CHOSEN).exception)
    assert error.startswith(f"{pair['prediction']}: signature 't4' is not among the 11 that are scored")


def test_every_format_holds_the_same_values(pair, tmp_path):
    paths = {suffix: tmp_path / f"x{suffix}" for suffix in (".parquet", ".csv", ".json")}
    for path in paths.values():
        assert score(pair, *CHOSEN, "--metrics", "pearson_centred", "--output", path).exit_code == 0
    wanted = pl.read_parquet(paths[".parquet"]).cast({pl.Categorical: pl.String})
    assert wanted["value"].null_count() == 12
    assert paths[".csv"].read_text().startswith("signature,metric,value,reason\n")
    assert pl.read_csv(paths[".csv"]).equals(wanted)
    assert pl.read_json(paths[".json"]).equals(wanted)


@pytest.mark.parametrize("name", ["x.tsv", "x", "x.csv.gz"])
def test_another_suffix_is_refused_before_anything_is_read(tmp_path, name):
    absent = {"truth": tmp_path / "absent", "prediction": tmp_path / "absent"}
    error = score(absent, "--output", tmp_path / name).exception
    assert isinstance(error, InputError)
    assert str(error).endswith(
        f"{name}: tables are written as .parquet, .csv, .json; end the name in one of these"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "gctx"])
def test_predictions_in_other_formats_score_the_same(pair, tmp_path, kind):
    X, obs, var = read_matrix(pair["prediction"])
    other = tmp_path / f"prediction.{kind}"
    if kind == "gctx":
        with h5py.File(other, "w") as file:
            file["0/DATA/0/matrix"] = X
            file["0/META/COL/id"] = obs["signature"].to_list()
            file["0/META/ROW/id"] = var["entrez"].to_list()
    else:
        table = pl.DataFrame({"signature": obs["signature"], **dict(zip(var["entrez"], X.T, strict=True))})
        if kind == "parquet":
            table.write_parquet(other)
        else:
            table.write_csv(other, separator="," if kind == "csv" else "\t")
    assert score({**pair, "prediction": other}).output == score(pair).output


@pytest.fixture
def run(files, tmp_path):
    """Return the files of unit/conftest.py, with a prediction of the test part that the scripts scored."""
    paths = {name.partition(".")[0]: path for name, path in files.items()}
    made = {name: tmp_path / name for name in ("manifest", "test_drugs", "cell_means", "scores")}
    inputs = {name: paths[name] for name in ("fold", "signatures", "drugs", "cells", "graph", "graph_nodes")}
    described = {name: made[name] for name in ("manifest", "test_drugs", "cell_means")}
    runpy.run_path(str(SCRIPTS / "describe_fold.py"))["main"](**inputs, **described, evaluate={})
    X, obs, var = read_matrix(paths["signatures"])
    test = (pl.read_parquet(paths["fold"])["part"] == "test").to_numpy()
    prediction = tmp_path / "prediction.h5ad"
    write_matrix(X[test] + np.float32(0.5) * X[test].round(), obs.filter(test), var, prediction)
    runpy.run_path(str(SCRIPTS / "score_predictions.py"))["main"](
        predictions=[prediction], signatures=paths["signatures"], fold=paths["fold"],
        cell_means=made["cell_means"], scores=[made["scores"]], metrics=["pearson_centred", "mae"],
        identities=[
            dict.fromkeys(("dataset", "split", "model", "ablation"), "x")
            | {"fold": 0, "share": 1.0, "seed": 0}
        ],
    )  # fmt: skip
    return {**paths, **made, "truth": paths["signatures"], "prediction": prediction}


CENTRED = ("--metrics", "pearson_centred", "--metrics", "mae", "--resamples", 50)


def test_a_run_is_scored_to_the_bit_as_the_workflow_scores_it(run, tmp_path):
    output = tmp_path / "again.parquet"
    result = score(run, *CENTRED, "--split-file", run["fold"], "--output", output)
    assert result.exit_code == 0, result.exception
    columns = list(schemas.MetricValues.to_schema().columns)
    wanted = pl.read_parquet(run["scores"]).select(columns)
    assert wanted.filter(metric="pearson_centred")["value"].null_count() == 0
    assert pl.read_parquet(output).equals(wanted)
    left = f"not scored: 6 signatures of {run['truth']} outside the test part of {run['fold']}"
    assert left in result.output


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_split_may_be_delimited_text(run, tmp_path, suffix):
    path = tmp_path / f"fold{suffix}"
    pl.read_parquet(run["fold"]).write_csv(path, separator="," if suffix == ".csv" else "\t")
    results = [score(run, *CENTRED, "--split-file", fold) for fold in (run["fold"], path)]
    assert [result.exit_code for result in results] == [0, 0], results[1].exception
    assert results[1].output == results[0].output.replace(str(run["fold"]), str(path))
    path.write_text("signature,fold\nS0,test\n")
    error = str(score(run, *CENTRED, "--split-file", path).exception)
    assert error == f"{path}: row 1: no column 'part'; found are signature, fold"


def test_training_means_go_before_those_of_the_split(run, tmp_path):
    X, obs, var = read_matrix(run["signatures"])
    means = tmp_path / "means.h5ad"
    cells = obs["cell"].unique().sort().to_frame("cell")
    write_matrix(X[: len(cells)] - 1, cells, var, means)
    outputs = [tmp_path / "split.parquet", tmp_path / "both.parquet"]
    result = score(run, *CENTRED, "--split-file", run["fold"], "--output", outputs[0])
    assert "training means: " not in result.output
    result = score(
        run, *CENTRED, "--split-file", run["fold"], "--training-means", means, "--output", outputs[1]
    )
    assert result.exit_code == 0, result.exception
    note = f"training means: those of {means}, not of the training part of {run['fold']}"
    assert note in result.output.splitlines()
    assert not pl.read_parquet(outputs[0]).equals(pl.read_parquet(outputs[1]))


def test_predictions_outside_the_test_part_are_counted(run, tmp_path):
    whole = score(run, *CENTRED, "--split-file", run["fold"]).output
    shutil.copy2(run["signatures"], run["prediction"])
    result = score(run, *CENTRED, "--split-file", run["fold"])
    assert result.exit_code == 0, result.exception
    left = f"not scored: 6 signatures of {run['prediction']} outside the test part of {run['fold']}"
    assert left in result.output
    assert left not in whole
    assert "2 signatures; 95 % interval over signatures" in result.output


def test_a_test_signature_without_prediction_is_named(run):
    X, obs, var = read_matrix(run["prediction"])
    write_matrix(X[1:], obs[1:], var, run["prediction"])
    error = str(score(run, *CENTRED, "--split-file", run["fold"]).exception)
    assert error == (
        f"{run['prediction']}: signature {obs['signature'][0]!r} is missing (1 of 2 are); "
        "add it, as each signature that is scored must be there"
    )


def test_a_split_of_other_signatures_is_refused(run):
    parts = pl.read_parquet(run["fold"])
    schemas.write(parts.with_columns(signature=pl.lit("T") + parts["signature"]), schemas.Fold, run["fold"])
    error = str(score(run, *CENTRED, "--split-file", run["fold"]).exception)
    assert error.startswith(f"{run['fold']}: signature 'TS0' is not in {run['truth']} (8 of 8 are not)")
