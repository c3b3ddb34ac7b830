"""Started from another folder, or as a module of another workflow: the same jobs are planned."""

from pathlib import Path

import pytest
import yaml
from examples import code_block

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "config/test.yaml"
MODULE = """
module perturbkg:
    snakefile: {snakefile!r}
{statements}

use rule * from perturbkg as perturbkg_*

rule target:
    default_target: True
    input:
        rules.perturbkg_all.input,
"""


@pytest.fixture(scope="module")
def copy(project):
    return project("elsewhere", elsewhere=True)


@pytest.fixture(scope="module")
def direct(project):
    """Return a function that plans a config in the project's own folder; each is planned once."""
    copy, known = project("direct"), {}

    def planned(*arguments):
        if arguments not in known:
            known[arguments] = copy.planned(*arguments)
        return known[arguments]

    return planned


def as_module(copy, config, snakefile="workflow/Snakefile", prefix=None):
    """Write a workflow of one module, with a config if there is one; return the arguments to plan it."""
    statements = [] if config is None else ['    config: config["perturbkg"]']
    statements += [] if prefix is None else [f"    prefix: {prefix!r}"]
    copy.snakefile = copy.work / "Snakefile"
    copy.snakefile.write_text(
        MODULE.format(snakefile=str(copy.folder / snakefile), statements="\n".join(statements))
    )
    (copy.work / "module.yaml").write_text(yaml.safe_dump({"perturbkg": config or {}}))
    return "--configfile", "module.yaml"


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_the_same_jobs_are_planned_from_another_folder(copy, direct, tmp_path, snakefile):
    copy.snakefile = copy.folder / snakefile
    found = copy.planned("--directory", str(tmp_path / "out"), "--configfile", str(SMALL))
    assert found == direct("--configfile", str(SMALL))
    assert {rule for rule, *_ in found} >= {"simulate_world", "train_model", "make_report"}


@pytest.mark.parametrize(
    ("snakefile", "prefix", "config"),
    [
        ("workflow/Snakefile", None, None),
        ("workflow/Snakefile", "benchmark", "test.yaml"),
        ("Snakefile", "benchmark", "paper.yaml"),
    ],
)
def test_the_same_jobs_are_planned_as_a_module(copy, direct, snakefile, prefix, config):
    path = ROOT / "config" / config if config else None
    partial = yaml.safe_load(path.read_text()) if path else None
    found = copy.planned(*as_module(copy, partial, snakefile, prefix))
    wanted = direct(*(("--configfile", str(path)) if path else ())) - {("all",)}
    assert {(rule.removeprefix("perturbkg_"), *rest) for rule, *rest in found} == {*wanted, ("target",)}


def test_files_named_by_the_workflow_get_the_prefix_and_those_named_by_the_config_do_not(copy):
    (copy.work / "own.tsv").write_text("pert_id\tdrugbank_id\n")
    overlay = {**yaml.safe_load(SMALL.read_text()), "files": {"xref": "own.tsv"}}
    printed = copy.run("--dry-run", *as_module(copy, overlay, prefix="benchmark"))
    paths = {
        path
        for line in printed.splitlines()
        if line.strip().startswith(("input:", "output:", "log:", "benchmark:"))
        for path in line.split(":", 1)[1].replace(",", " ").split()
    }
    assert {path for path in paths if not path.startswith("benchmark/")} == {"own.tsv"}
    assert not any(path.startswith("benchmark/benchmark") for path in paths)


def test_the_example_of_a_module_of_the_readme_runs_unchanged(copy):
    page = ROOT / "config/README.md"
    copy.snakefile = copy.work / "Snakefile"
    example = code_block(page, "module perturbkg:")
    copy.snakefile.write_text(example.replace("path/to/perturbkg", str(copy.folder)))
    (copy.work / "config").mkdir()
    (copy.work / "config/config.yaml").write_text(code_block(page, "perturbkg:\n  name:"))
    config = yaml.safe_load(code_block(page, "perturbkg:\n  name:"))["perturbkg"]
    trained = [job for job in copy.planned() if job[0] == "perturbkg_train_model"]
    assert {job[1].removeprefix("dataset=") for job in trained} == {config["name"]}
    assert len(trained) >= len(config["models"]) * config["folds"]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"flods": 3}, "config: unknown key 'flods' (did you mean 'folds'"),
        ({"models": ["gta"]}, "config: models: unknown name 'gta' (did you mean 'gat'"),
        ([1], "config: [1] must be a mapping"),
    ],
)
def test_a_bad_config_of_a_module_is_one_line(copy, config, line):
    printed = copy.run("--dry-run", *as_module(copy, config), status=1)
    assert "Traceback" not in printed
    (found,) = [found for found in printed.splitlines() if found.startswith("config: ")]
    assert found.startswith(line)
