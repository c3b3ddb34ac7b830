"""Pages of the documentation: links and paths exist, and lines are short."""

import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT, name_of

LONGEST = 120
# Outputs of runs (results/, resources/, logs/, the lock file) are not in the repository.
MADE = ("config/sources.lock.json",)
FOLDERS = ("benchmarks/", "config/", "docs/", "scripts/", "src/", "tests/", "workflow/")


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_link_targets_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_paths_exist(page: Path) -> None:
    """A path in backquotes is in the project, the page's folder or the package; `<name>` is not checked."""
    modules = tuple(f"{path.name}/" for path in (ROOT / "src/perturbkg").iterdir() if path.is_dir())
    for path in re.findall(r"`([\w./-]+/[\w./-]*)`", prose(page)):
        if path in MADE:
            continue
        if path.startswith(FOLDERS) or (path.startswith(modules) and path.endswith((".py", "/"))):
            places = (ROOT, page.parent, ROOT / "src/perturbkg")
            assert any((place / path).exists() for place in places), path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_lines_are_short(page: Path) -> None:
    """Rows of tables are exempt: Markdown cannot break them."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    long = [number for number, line in lines if len(line) >= LONGEST and not line.startswith("|")]
    assert not long, f"wrap lines {long}"


def test_pages_named_in_the_code_exist() -> None:
    for folder in ("src", "scripts", "workflow", "config", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".smk", ".yaml", ".md"):
                for named in re.findall(r"\bdocs/[\w/]+\.\w+", path.read_text(encoding="utf-8")):
                    assert (ROOT / named).exists(), f"{path}: {named}"
