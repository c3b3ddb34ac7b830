"""Pages of the documentation: what they name exists, and their lines are short."""

import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT, name_of

LONGEST = 120
# Folders whose files are checked. What runs make (results/, resources/, logs/, the lock file) is not there.
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
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_are_named_exist(page: Path) -> None:
    """A path in backquotes is of the project, the page or the package; `<name>`, `{name}`, `*` stay open."""
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


def test_pages_that_the_code_names_exist() -> None:
    for folder in ("src", "scripts", "workflow", "config", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".smk", ".yaml", ".md"):
                for named in re.findall(r"\bdocs/[\w/]+\.\w+", path.read_text(encoding="utf-8")):
                    assert (ROOT / named).exists(), f"{path}: {named}"
