"""Conventions of the repository: one name for rule and script, and environments with tested versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from perturbkg import extras, imports, plugins

ROOT = Path(__file__).parents[2]
RULES = {
    match.group(1): path
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for match in re.finditer(r"^rule (\w+):", path.read_text(), re.MULTILINE)
}
PINNED = {
    name: version.partition(";")[0].strip()
    for name, version in (
        line.split("==", 1) for line in (ROOT / "constraints.txt").read_text().lower().splitlines()
    )
}


def body(rule):
    text = RULES[rule].read_text()
    return re.split(r"^rule ", text.split(f"rule {rule}:", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_rule_has_a_script_of_its_name_and_every_script_a_rule():
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_declares_threads_memory_run_time_log_benchmark_and_environment(rule):
    text = body(rule)
    for word in ("threads:", "mem_mb=", "runtime=", "log:", "benchmark:", "conda:", "script:"):
        assert word in text, word
    assert f"scripts/{rule}.py" in text
    if rule in ("download_source", "fetch_weights"):  # shared by all datasets, never rerun after an edit
        return
    assert "code=" in text.split("    params:\n")[1]
    assert re.search(rf"LOGS}}/{rule}[./]", text)
    assert re.search(rf"BENCHMARKS}}/{rule}[./]", text)
    assert "run:" not in text.replace("run=", "")


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.stem)
def test_scripts_are_short(path):
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_a_finished_run_does_not_wait_for_its_scheduler(profile):
    settings = yaml.safe_load((ROOT / "workflow/profiles" / profile / "config.yaml").read_text())
    # Snakemake exits only after this time since it last looked for jobs.
    span = re.fullmatch(r"\d+/(\d+)s", settings["max-jobs-per-timespan"])
    assert 1 <= int(span.group(1)) <= 10


def test_a_change_of_parameters_reruns_a_job():
    """The code of a rule is one of its parameters, so without this trigger an edit reruns nothing."""
    for profile in (ROOT / "workflow/profiles").glob("*/config.yaml"):
        triggers = yaml.safe_load(profile.read_text()).get("rerun-triggers")
        assert triggers is None or "params" in triggers, profile  # without a list, all triggers count


@pytest.mark.parametrize("path", sorted((ROOT / "workflow/envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_environment_holds_the_versions_that_were_tested_together(path):
    environment = yaml.safe_load(path.read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    for requirement in pip:
        name, version = requirement.lower().split(";")[0].split("==")
        assert PINNED[name] == version
    assert "python=3.11" in environment["dependencies"]


def test_every_dependency_is_pinned_and_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"": project["dependencies"], **project["optional-dependencies"]}
    explained = (ROOT / "docs/dependencies.md").read_text()
    homes: dict[str, set[str]] = {}
    for extra, name in [(extra, name) for extra, names in wanted.items() for name in names]:
        bare = re.split(r"[\[;]", name)[0]
        if bare == "perturbkg":  # an extra that includes others
            continue
        assert bare.lower() in PINNED, bare
        assert f"**{bare}**" in explained, bare
        homes.setdefault(bare, set()).add(extra)
    for bare, named in homes.items():
        (stated,) = re.findall(rf"\*\*{re.escape(bare)}\*\* \| (?:extra `(\w+)`)?", explained)
        assert stated in named, bare


def test_rules_find_files_next_to_the_code_and_keep_the_prefix_of_a_module():
    """In a module the base directory is that of the other workflow, and str.format() drops the prefix."""
    for path in [ROOT / "workflow/Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]:
        text = path.read_text()
        assert "workflow.basedir" not in text, path
        assert not re.search(r"rules\.\w+\.output[\w.]*\.format\(", text), path
        assert not re.search(r"^(configfile|localrules):", text, re.MULTILINE), path  # lost in a module


def test_the_workflow_catalogue_finds_what_it_reads():
    """Its standardized usage needs these names: snakemake.github.io/snakemake-workflow-catalog."""
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] is True
    assert (ROOT / "workflow/Snakefile").is_file()
    assert (ROOT / "config/README.md").is_file()


def test_all_package_imports_are_absolute_and_no_code_unpickles():
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        text = path.read_text()
        assert not re.search(r"^\s*from \.", text, re.MULTILINE), path
        assert "import pickle" not in text, path
        assert "allow_pickle=True" not in text, path
        assert "trust_remote_code=True" not in text, path
    for path in (ROOT / "src").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


def test_the_diagram_of_the_workflow_shows_every_rule():
    picture = (ROOT / "docs/images/dag.svg").read_text()
    assert set(RULES) == {name for name in re.findall(r"<title>(\w+)</title>", picture) if name in RULES}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_environment_of_a_rule_holds_what_its_code_imports(rule):
    text = body(rule)
    script = ROOT / "scripts" / f"{rule}.py"
    kinds = [kind for kind in plugins.BASE_CLASS if f"{kind}=" in text]
    plug_ins = [plugins.source(kind, name) for kind in kinds for name in plugins.names(kind)]
    imported = imports.outside(script, *imports.reached(script, *plug_ins), *plug_ins)
    wanted = set(map(extras.distribution, imported))
    environment = yaml.safe_load(
        (ROOT / "workflow/envs" / re.search(r"envs/(\w+\.yaml)", text).group(1)).read_text()
    )
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert wanted <= set(map(extras.distribution, pip))
