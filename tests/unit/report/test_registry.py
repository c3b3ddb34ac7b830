"""Every file of report/tables and report/figures is on the page, in the section that it names."""

import pytest

from perturbkg.report import page, registry


@pytest.mark.parametrize("kind", ["tables", "figures"])
def test_each_is_on_the_page_once(kind):
    shown = [
        name
        for section in page.sections()
        for name in (section.figures if kind == "figures" else (*section.tables, *section.folded))
    ]
    assert sorted(shown) == registry.names(kind)


@pytest.mark.parametrize("kind", ["tables", "figures"])
def test_each_has_its_texts(kind):
    for name in registry.names(kind):
        found = registry.load(kind, name)
        assert found.title
        assert (found.note if kind == "tables" else found.caption).endswith(".")
