"""The command line: lists plug-ins and sources, and reports a bad input in one line."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from perturbkg import cli, plugins


def invoke(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, [str(argument) for argument in arguments])


def test_an_unknown_kind_lists_the_known_ones():
    assert "unknown kind 'metirc' (did you mean 'metrics'?); known are" in str(
        invoke("plugins", "metirc").exception
    )


def test_plugins_are_listed_with_their_summaries():
    result = invoke("plugins", "metrics")
    lines = result.output.splitlines()
    assert lines[0] == "metrics"
    assert [line.split()[0] for line in lines[1:]] == plugins.names("metrics")
    assert "Mean absolute error over all genes." in result.output
    everything = invoke("plugins").output.splitlines()
    assert [line for line in everything if not line.startswith(" ")] == list(plugins.BASE_CLASS)


def test_the_options_of_a_plug_in_are_printed_with_defaults_and_meanings():
    found = invoke("plugins", "model", "gat").output
    assert "Options, set in the config under `model_options: {gat: {...}}`:" in found
    assert "  block_steps: 5\n" in found
    assert "  loss: mixed\n      cosine | huber | mixed | mse. what training minimises" in found
    assert "It has no options." in invoke("plugins", "models", "zero").output
    assert "penalties: [0.3, 1.0, 3.0, 10.0, 30.0]" in invoke("plugins", "models", "ridge").output
    assert "Set `files: {kg: path}`: " in invoke("plugins", "knowledge_graphs", "primekg").output
    wrong = invoke("plugins", "models", "ridg").exception
    assert "unknown name 'ridg' (did you mean 'ridge'?)" in str(wrong)


def test_a_skeleton_is_written_and_the_next_steps_are_printed(tmp_path):
    found = invoke("new", "metric", "ours", "--out", tmp_path)
    assert found.exit_code == 0, found.output
    assert f"wrote {tmp_path / 'ours.py'}" in found.output.replace("\n", "")
    assert "3. Name it in a config: `metrics: [pearson, ours]`." in found.output
    assert "is already there" in str(invoke("new", "metric", "ours", "--out", tmp_path).exception)
    assert "did you mean 'metrics'?" in str(invoke("new", "metrix", "ours").exception)


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
    assert captured.err.startswith("error: unknown source 'primekg' (did you mean 'primekg_kg'?); known are ")
    assert captured.err.count("\n") == 1


def test_help_does_not_import_packages_that_only_commands_need():
    program = (
        "import sys, perturbkg.cli; print({'anndata', 'pandera', 'polars', 'torch', 'zarr'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
