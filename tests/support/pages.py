"""The pages of the documentation."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])


def name_of(page: Path) -> str:
    """Return the path of a page within the project: the id of its tests."""
    return str(page.relative_to(ROOT))
