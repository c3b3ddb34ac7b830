"""Every code block of the documentation runs, or is checked if it cannot run here.

The first word after a fence is the language; a second one names the file whose text the block is.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import anndata
import pytest
import yaml
from pages import PAGES, ROOT, name_of
from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from perturbkg import config, plugins
from perturbkg.knowledge_graphs.table import Table as GraphTable
from perturbkg.signatures.table import Table as SignatureTable
from perturbkg.sources.catalogue import read_catalogue

pytestmark = pytest.mark.slow

FENCE = RawFencedCodeBlockLexer(re.compile(r"(?P<language>\w*) ?(?P<file>[^\n]*)$\n", re.MULTILINE))
SNAKEMAKE = (sys.executable, "-m", "snakemake")
COPIED = ("Makefile", "README.md", "Snakefile", "benchmarks", "config", "constraints.txt", "docs", "profiles")
COPIED += ("pyproject.toml", "scripts", "src", "tests", "workflow")
# The smallest world, as `results/demo`, up to one run of a model that takes no time to train.
MEANS = "results/demo/splits/scaffold/fold0.cell_means.h5ad"
PREDICTION = "results/demo/runs/scaffold/fold0/mean_per_cell/none/seed1/prediction.h5ad"


def blocks(page: Path) -> list[Example]:
    """Return the code blocks of a page in their order; they share one namespace."""

    def fenced(document: Document) -> Iterator[Region]:
        for region in FENCE(document):
            region.parsed = region.lexemes["source"]
            yield region

    return list(Document.parse(str(page), fenced).examples())


BLOCKS = {page: found for page in PAGES if (found := blocks(page))}


def is_plug_in(path: str) -> bool:
    """Return whether a file of the package has a contract."""
    return path.startswith("src/perturbkg/") and Path(path).parent.name in plugins.BASE_CLASS


def files(language: str) -> dict[str, str]:
    """Return path -> text of the blocks that are files in a language."""
    return {
        block.region.lexemes["file"]: str(block.parsed)
        for found in BLOCKS.values()
        for block in found
        if block.region.lexemes["language"] == language and block.region.lexemes["file"]
    }


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command in a folder, with the package in its `src`; return what it printed, or fail with that."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{(done.stdout + done.stderr)[-4_000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which commands run, with the first results of the smallest demo."""
    folder = tmp_path_factory.mktemp("docs") / "project"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    (folder / "path/to").mkdir(parents=True)
    (folder / "path/to/perturbkg").symlink_to(folder)
    # The files of config/local.yaml are only used to plan jobs, not read.
    for root in ("path/to/files", "../shared/data"):
        for file in config.read(ROOT / "config/local.yaml")["files"].values():
            path = folder / root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    small = ("--cores", "2", "--configfile", "config/test.yaml", "--config", "name=demo")
    run(folder, *SNAKEMAKE, *small, "--", "results/demo/graph/graph.npz", MEANS, PREDICTION)
    # The user's own files, as named in docs/metrics.md.
    shutil.copy2(folder / PREDICTION, folder / "prediction.h5ad")
    shutil.copy2(folder / MEANS, folder / "means.h5ad")
    scored = anndata.read_h5ad(folder / PREDICTION).obs_names
    anndata.read_h5ad(folder / "results/demo/signatures.h5ad")[scored].write_h5ad(folder / "truth.h5ad")
    return folder


# Command -> how it is run or checked, by its first word.


def snakemake(words: list[str], folder: Path) -> None:
    """Plan the jobs without running them."""
    run(folder, *SNAKEMAKE, *words[1:], "--dry-run", "--quiet", "all")


def perturbkg(words: list[str], folder: Path) -> None:
    """Run the command; compare the options of one that needs a network with its help."""
    program = str(Path(sys.executable).with_name("perturbkg"))
    if words[1:3] in (["sources", "check"], ["sources", "fetch"]):
        check_options(words, run(folder, program, *words[1:3], "--help", COLUMNS="200"))
    else:
        run(folder, program, *words[1:])


def python(words: list[str], folder: Path) -> None:
    """Compare the options of a benchmark with its help: it would run for minutes."""
    check_options(words, run(folder, sys.executable, words[1], "--help", COLUMNS="200"))


def check_options(words: list[str], help_text: str) -> None:
    """Fail for an option that is not in the help."""
    for word in words:
        assert not word.startswith("--") or re.search(rf"{word}\b", help_text), (
            f"{shlex.join(words)}: {word}?"
        )


def pip(words: list[str], folder: Path) -> None:
    """Check that the named extras exist."""
    metadata = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extras in re.findall(r"\[([\w,]+)\]", shlex.join(words)):
        assert set(extras.split(",")) <= set(metadata["optional-dependencies"]), shlex.join(words)


def make(words: list[str], folder: Path) -> None:
    """Print the commands without running them."""
    run(folder, "make", "--dry-run", *words[1:])


def pytest_(words: list[str], folder: Path) -> None:
    """Check that the tests exist; they are not run again."""
    for word in words[1:]:
        assert word.startswith("-") or (folder / word).exists(), shlex.join(words)


def shell(words: list[str], folder: Path) -> None:
    """Run a line as it is."""
    run(folder, "sh", "-c", shlex.join(words).replace("'>'", ">"))


COMMANDS: dict[str, Callable[[list[str], Path], None]] = {
    "echo": shell,
    "make": make,
    "perturbkg": perturbkg,
    "pip": pip,
    "pytest": pytest_,
    "python": python,
    "snakemake": snakemake,
}


# Language -> how a block is run or checked.


def check_sh(block: Example, folder: Path) -> None:
    """Run or check each command."""
    for line in block.parsed.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            assert words[0] in COMMANDS, f"line {block.line}: no way to check the command: {line}"
            COMMANDS[words[0]](words, folder)


def check_yaml(block: Example, folder: Path) -> None:
    """Write the file. Read a catalogue of sources; plan with any other file as an overlay of the config.

    A file of another project is not used here: tests/workflow/test_elsewhere.py runs it.
    """
    path = folder / (block.region.lexemes["file"] or "block.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.parsed, encoding="utf-8")
    if path.parent != folder:
        return
    if "sources" in (values := yaml.safe_load(block.parsed)):
        assert set(values["sources"]) <= set(read_catalogue(path))
    else:
        snakemake(["snakemake", "--configfile", "config/test.yaml", str(path)], folder)


def check_python(block: Example, folder: Path) -> None:
    """Execute a block, unless it is a plug-in: `test_new_plug_ins_pass_their_contracts` tests those."""
    if not is_plug_in(block.region.lexemes["file"]):
        PythonEvaluator()(block)


def check_csv(block: Example, folder: Path) -> None:
    """Require the name of the table; `test_the_tables_are_read` reads it."""
    assert block.region.lexemes["file"], f"line {block.line}: name the file: ```csv nodes.csv"


CHECKS: dict[str, Callable[[Example, Path], None]] = {
    "csv": check_csv,
    "python": check_python,
    "sh": check_sh,
    "snakemake": lambda block, folder: None,  # run by tests/workflow/test_elsewhere.py
    "text": lambda block, folder: None,
    "yaml": check_yaml,
}


@pytest.mark.parametrize("page", BLOCKS, ids=name_of)
def test_code_blocks(page: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for block in BLOCKS[page]:
        language = block.region.lexemes["language"]
        assert language in CHECKS, f"{page}:{block.line}: {language!r} is not one of {', '.join(CHECKS)}"
        CHECKS[language](block, project)


def test_new_plug_ins_pass_their_contracts(project: Path) -> None:
    """Run the contracts of the examples in the guides, each written into its folder of the package."""
    modules = {path: text for path, text in files("python").items() if is_plug_in(path)}
    assert modules
    for path, text in modules.items():
        (project / path).write_text(text, encoding="utf-8")
    chosen = [Path(path).stem for path in modules]
    options = ("-p", "no:cacheprovider", "-q", "--no-header", "-rA", "-k", " or ".join(chosen))
    printed = run(project, sys.executable, "-m", "pytest", *options, "tests/contracts")
    for name in chosen:
        assert re.search(rf"^PASSED .*\b{name}\b", printed, re.MULTILINE), name


def test_the_tables_are_read(tmp_path: Path) -> None:
    """Read the examples of docs/data.md with the readers of tables."""
    paths = {}
    for name, text in files("csv").items():
        paths[Path(name).stem] = tmp_path / name
        (tmp_path / name).write_text(text, encoding="utf-8")
    graph = GraphTable().read({"kg_nodes": paths["nodes"], "kg_edges": paths["edges"]})
    assert (len(graph.nodes), len(graph.edges)) == (2, 1)
    assert len(SignatureTable().compounds(paths).table) == 2
    assert len(SignatureTable().cell_lines(paths)) == 1
