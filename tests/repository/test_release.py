"""Requirements of a release: one version, a dated changelog entry, CI and hooks that run our own commands."""

import datetime
import re
import tomllib

import pytest
import yaml
from pages import ROOT

import perturbkg

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def test_the_version_is_stated_once_and_cited() -> None:
    assert "version" not in PROJECT["project"] and PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "perturbkg.__version__"}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == perturbkg.__version__


def test_every_release_has_a_dated_entry_the_newest_first() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, *releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert unreleased == "Unreleased"
    found = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", heading) for heading in releases]
    assert found and all(found), releases
    assert found[0][1] == perturbkg.__version__
    dates = [datetime.date.fromisoformat(match[2]) for match in found]
    assert dates == sorted(dates, reverse=True)


def test_the_continuous_integration_runs_our_own_script() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {command.split()[1] for command in commands if command.startswith("make ")} <= set(targets)


def test_commit_hooks_use_the_installed_tools() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    programs = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert programs <= set(PROJECT["project"]["optional-dependencies"]["develop"])


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_issue_forms_are_complete(form) -> None:
    values = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem != "config":
        assert values["name"] and values["description"]
        assert all({"type", "attributes"} <= set(field) for field in values["body"])
