"""The output of Snakemake for a bad input: one clear line, an exit code, no traceback."""

import gzip

import pytest


@pytest.fixture(scope="module")
def copy(project):
    return project("errors")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--config", "flods=3"], ["config: unknown key 'flods' (did you mean 'folds'"]),
        (["--config", "folds=many"], ["config: folds: 'many' must be an integer"]),
        (["--config", "models=[gta]"], ["config: models: unknown name 'gta' (did you mean 'gat'"]),
        (
            ["--config", "report={headline: [rsme]}"],
            ["config: report.headline: unknown name 'rsme' (did you mean 'rmse'"],
        ),
        (
            ["--config", "files_root=nowhere", "--configfile", "config/local.yaml"],
            ["files.kg: no file at nowhere/primekg/kg.csv.gz"],
        ),
    ],
)
def test_a_bad_config_stops_before_anything_runs(copy, arguments, parts):
    printed = copy.run("--dry-run", *arguments, status=1)
    assert "Traceback" not in printed
    for part in parts:
        assert part in printed
    assert len([line for line in printed.splitlines() if line.startswith("config:")]) == 1


def test_a_bad_overlay_file_stops_before_anything_runs(copy):
    (copy.folder / "overlay.yaml").write_text("filters: {dose: 5}\n")
    printed = copy.run("--dry-run", "--configfile", "overlay.yaml", status=1)
    assert "config: filters: unknown key 'dose'" in printed


@pytest.mark.parametrize(
    "plug_in",
    ["encoders/esm2", "splits/scaffold", "ablations/shuffle_edges", "models/ridge", "metrics/_rows"],
    ids=lambda plug_in: plug_in.replace("/", "-"),
)
def test_a_syntax_error_in_a_plug_in_is_one_line(copy, plug_in):
    path = copy.folder / f"src/perturbkg/{plug_in}.py"
    text = path.read_text()
    path.write_text(f"def broken(:\n{text}")
    try:
        printed = copy.run("--dry-run", status=1)
    finally:
        path.write_text(text)
    assert f"{path}:1: this is not valid Python: invalid syntax; correct it" in printed.splitlines()
    assert "Traceback" not in printed and "InputError" not in printed


def test_a_truncated_file_is_one_line_that_names_it(copy, raw_world):
    folder = copy.folder / "raw"
    folder.mkdir()
    whole = gzip.compress(raw_world["kg"].read_bytes(), mtime=0)
    (folder / "kg.csv.gz").write_bytes(whole[: len(whole) // 2])
    lines = [
        f"  {key}: {path}" for key, path in raw_world.items() if key not in {"kg", "truth", "truth_edges"}
    ]
    (copy.folder / "broken.yaml").write_text(
        "\n".join(
            ["name: broken", "source: files", f"files_root: {folder}", "files:", "  kg: kg.csv.gz", *lines]
        )
        + "\n"
    )
    printed = copy.run(
        "--cores", "1", "--configfile", "broken.yaml", "--", "results/broken/kg/nodes.parquet", status=1
    )
    reported = [line for line in printed.splitlines() if line.startswith("error in read_knowledge_graph:")]
    assert len(reported) == 1
    assert "kg.csv.gz" in reported[0]
    assert "Traceback" not in printed
    assert not (copy.folder / "results/broken/kg/nodes.parquet").exists()
