"""The generated tables of README.md and docs/ are up to date with the code."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
assert _spec is not None and _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)
PAGES = generate.pages(ROOT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_tables_are_up_to_date(page: Path):
    text = page.read_text(encoding="utf-8")
    assert text == generate.generated(text), f"{page.relative_to(ROOT)} is stale; run `make docs` and commit"


def test_every_table_is_on_a_page_and_every_block_has_a_table():
    used = [name for page in PAGES for name in re.findall(r"<!-- generated: (.*?) -->", page.read_text())]
    assert sorted(used) == sorted(generate.TABLES)


def test_a_stale_table_is_updated_and_the_rest_of_the_page_stays(tmp_path, capsys):
    page = tmp_path / "docs/notes/page.md"
    page.parent.mkdir(parents=True)
    (tmp_path / "README.md").write_text("nothing generated\n")
    page.write_text("before\n<!-- generated: simulation-options -->\n| stale row |\n<!-- end -->\nafter\n")
    generate.main(tmp_path)
    text = page.read_text()
    assert text.startswith("before\n<!-- generated: simulation-options -->\n| option | default |")
    assert text.endswith("|\n<!-- end -->\nafter\n")
    assert "| `drugs` | `160` | 12 to 20,000 |" in text and "stale row" not in text
    assert capsys.readouterr().err == "docs/notes/page.md: updated\n"
    generate.main(tmp_path)
    assert capsys.readouterr().err == ""
