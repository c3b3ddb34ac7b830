"""The command line: scores predictions from elsewhere, lists plug-ins, tells a bad input in one line."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from perturbkg import cli, plugins, schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import write_matrix

GENES = [str(10 * gene) for gene in range(1, 121)]


@pytest.fixture
def files(tmp_path):
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


def test_scores_with_every_metric(files, tmp_path):
    output = tmp_path / "scores.parquet"
    result = invoke(
        "score", "--truth", files["truth"], "--prediction", files["prediction"],
        "--training-means", files["means"], "--output", output,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "12 signatures; 95 % interval over parents" in result.output
    assert "undefined for" not in result.output
    table = schemas.read(output, schemas.MetricValues)
    means = dict(table.group_by(pl.col("metric").cast(pl.String)).agg(pl.col("value").mean()).rows())
    assert 0.8 < means["pearson"] < 0.95  # 2 / sqrt(5) = 0.894
    assert means["retrieval"] == 0
    assert f"{means['pearson']:.4f}" in result.output  # parents are of one size, so their mean is the mean


def test_without_training_means_the_centred_metrics_are_undefined_and_said_to_be(files):
    result = invoke(
        "score", "--truth", files["truth"], "--prediction", files["prediction"],
        "--metrics", "pearson_centred", "--metrics", "mae", "--resamples", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "pearson_centred: undefined for 12 signatures (" in result.output
    assert "mae" in result.output and "spearman" not in result.output


def test_equal_seeds_print_equal_intervals(files):
    arguments = ("score", "--truth", files["truth"], "--prediction", files["prediction"], "--metrics", "mae")
    first = invoke(*arguments, "--seed", 3).output
    assert first == invoke(*arguments, "--seed", 3).output
    assert first != invoke(*arguments, "--seed", 4).output


def test_a_bad_input_is_one_line_and_status_1(files, monkeypatch, capsys):
    arguments = ["perturbkg", "score", "--truth", str(files["truth"]), "--prediction", str(files["means"])]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"error: {files['means']}: signature 's0' is missing (12 of 12 are)")


def test_an_unknown_metric_or_kind_lists_the_known_ones(files):
    result = invoke(
        "score", "--truth", files["truth"], "--prediction", files["prediction"], "--metrics", "pearsn"
    )
    assert isinstance(result.exception, InputError)
    assert "unknown name 'pearsn', did you mean 'pearson'?; known are auprc_deg," in str(result.exception)
    assert "unknown kind 'metirc', did you mean 'metrics'?; known are" in str(
        invoke("plugins", "metirc").exception
    )


def test_a_signature_without_parent_is_named(files):
    obs = pl.DataFrame({"signature": ["a", "b"], "cell": ["A", "A"], "parent": ["P", None]})
    for name in ("truth", "prediction"):
        write_matrix(np.ones((2, 120)), obs, pl.DataFrame({"entrez": GENES}), files[name])
    result = invoke("score", "--truth", files["truth"], "--prediction", files["prediction"])
    assert "signature 'b' has no parent" in str(result.exception)


def test_plugins_are_listed_with_what_they_are():
    result = invoke("plugins", "metrics")
    lines = result.output.splitlines()
    assert lines[0] == "metrics"
    assert [line.split()[0] for line in lines[1:]] == plugins.names("metrics")
    assert "Mean absolute error over all genes." in result.output
    everything = invoke("plugins").output.splitlines()
    assert [line for line in everything if not line.startswith(" ")] == list(plugins.BASE_CLASS)


def test_version_and_help():
    assert invoke("--version").output == "perturbkg 0.1.0\n"
    assert "--training-means" in invoke("score", "--help").output


def test_sources_are_listed_and_a_bad_name_is_one_line(monkeypatch, capsys):
    assert "primekg_kg\t2.1\t" in invoke("sources", "list").output
    monkeypatch.setattr(sys, "argv", ["perturbkg", "sources", "fetch", "primekg"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: unknown source 'primekg', did you mean 'primekg_kg'?; known are ")
    assert captured.err.count("\n") == 1


def test_does_not_import_torch():
    program = "import sys, perturbkg.cli; sys.exit('torch' in sys.modules or 'dgl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
