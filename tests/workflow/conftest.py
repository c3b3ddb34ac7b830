"""Real Snakemake runs, each in a separate copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "scripts", "src")


class Project:
    """A copy of the project's source in `folder`, and the folder `work` that Snakemake runs in."""

    def __init__(self, folder: Path, work: Path | None = None) -> None:
        """Copy what a run needs; without `work`, Snakemake runs in the copy itself."""
        self.folder = folder
        self.work = work or folder
        self.snakefile = None if work is None else folder / "Snakefile"
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(
                    source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                shutil.copy2(source, folder / part)
        # The workflow must find the package next to its own code.
        self.environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a Snakemake call."""
        where = [] if self.snakefile is None else ["--snakefile", str(self.snakefile)]
        return [sys.executable, "-m", "snakemake", *where, *arguments]

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run Snakemake; return what it printed; check its exit status."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        printed = done.stdout + done.stderr
        if status is not None:
            assert done.returncode == status, printed[-6000:]
        return printed

    def planned(self, *arguments: str) -> set[tuple[str, ...]]:
        """Return the jobs of a dry run as (rule, its wildcards...)."""
        return self.jobs(self.run("--dry-run", *arguments))

    @staticmethod
    def jobs(printed: str) -> set[tuple[str, ...]]:
        """Return the jobs that a dry run printed."""
        jobs, rule = set(), None
        for line in printed.splitlines():
            word = line.strip()
            if word.startswith(("rule ", "localrule ")) and word.endswith(":"):
                rule = word.split()[1].rstrip(":")
                jobs.add((rule,))
            elif word.startswith("wildcards:") and rule is not None:
                jobs.discard((rule,))
                jobs.add((rule, *word.removeprefix("wildcards:").strip().split(", ")))
        return jobs


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """Make copies of the project."""

    def make(name: str, *, elsewhere: bool = False) -> Project:
        work = tmp_path_factory.mktemp(f"{name}_elsewhere") if elsewhere else None
        return Project(tmp_path_factory.mktemp(name), work)

    return make
