"""The page: complete, escaped, and without external addresses."""

import re
from html.parser import HTMLParser

import polars as pl
import pytest
from reports import FIGURES, TABLES, make_page

from perturbkg.io.files import read_json
from perturbkg.report import page, registry
from perturbkg.report.export import write_table
from perturbkg.report.grid import Cell, Column, Grid

SVG = '<svg class="marks" width="640" height="48.4" viewBox="0 0 640 48"></svg>'


@pytest.fixture(scope="module")
def html(raw_results, tables, tmp_path_factory):
    """Make the page with empty pictures: other tests render the charts."""
    folder = tmp_path_factory.mktemp("page")
    pictures = {}
    for name in FIGURES:
        pictures[name] = folder / f"{name}.svg"
        pictures[name].write_text(SVG)
    return make_page(raw_results, tables, pictures, folder / "report.html").read_text()


class Tags(HTMLParser):
    """Collect tags, and check that they close in order."""

    void = ("meta", "link", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_optional_sections_are_shown_where_their_tables_have_rows(html, raw_results, tables, tmp_path):
    assert 'id="learning"' not in html and 'id="main"' in html
    shown = page.Table("Learning curves", "", [Grid("t", [Column("c")], [[Cell("v", "v")]])], 1, "t.csv")
    layouts = {name: page.table(name, path.with_suffix(".json")) for name, path in tables.items()}
    run = read_json(raw_results["run"])
    text = page.render(
        run=run,
        verdict=read_json(tables["main"].with_name("verdict.json")),
        tables=layouts | {"learning_curve": shown},
        figures={name: page.figure(name, SVG) for name in FIGURES},
        terms=[],
    )
    assert text.count('href="#learning"') == text.count('id="learning"') == 1


def test_the_page_is_well_formed_with_unique_ids_and_links_that_lead_somewhere(html):
    tags = Tags(html)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in tags.found if tag == "a"}
    assert links <= {f"#{name}" for name in ids}


def test_the_page_refers_to_nothing_outside_itself(html):
    for tag, attributes in Tags(html).found:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name, "#")
            assert value.startswith(("#", "data:")), (tag, value)
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_text_from_files_is_shown_and_never_run(html):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert html.count("<script>") == 1


def test_every_table_figure_and_verdict_is_on_the_page(html):
    for name in TABLES:
        left_out = name in ("learning_curve", "uncertainty")  # as there is one share, and no expected error
        assert (f"tables/{name}.csv" in html) != left_out, name
    for name in set(FIGURES) - {"learning_curves"}:
        figure = registry.load("figures", name)
        assert figure.title in html
        assert figure.caption.replace("'", "&#39;") in html
    assert "Does the graph help gat" in html
    for detail in (
        "resources/demo/raw/kg.csv",
        "0" * 64,
        "2.13.0",
        "not installed",
        "CC BY 4.0",
        "simulated",
    ):
        assert detail in html, detail


def test_every_picture_has_a_text_and_a_size(html):
    pictures = [attributes for tag, attributes in Tags(html).found if tag == "img"]
    assert len(pictures) == len(FIGURES) - 1  # no learning curves, as there is one share
    for picture in pictures:
        assert len(picture["alt"]) > 40
        assert (picture["width"], picture["height"]) == ("640", "48")


def test_a_long_table_is_cut_with_a_note(html, tmp_path):
    grid = Grid("t", [Column("n", True)], [[Cell(str(n), n)] for n in range(page.ROWS + 1)])
    paths = {form: tmp_path / form for form in ("csv", "markdown", "latex", "layout")}
    write_table("exclusions", "Title", "Note.", pl.DataFrame(), [grid], **paths)
    table = page.table("exclusions", paths["layout"])
    assert (len(table.grids[0].rows), table.rows) == (page.ROWS, page.ROWS + 1)
    assert not re.search(r"The first \d+ rows", html)


def test_no_time_or_path_of_this_machine_is_on_the_page(html, raw_results):
    assert str(raw_results["run"].parent) not in html
    assert not re.search(r"20\d\d-\d\d-\d\d", html)
