"""The page in a real browser: no error, no request, sortable tables, visible pictures, no overflow."""

import shutil

import pytest
from fabricated import fabricate
from playwright.sync_api import sync_playwright
from reports import make_figures, make_page, make_tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MAIN = "#main table >> nth=0"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Make the complete report of fabricated results."""
    folder = tmp_path_factory.mktemp("report")
    made = fabricate(folder)
    tables = make_tables(made, folder / "tables")
    return make_page(made, tables, make_figures(made, tables, folder / "figures"), folder / "report.html")


@pytest.fixture(scope="module")
def browser():
    """Start Chromium once."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser, page_file):
    """Return a function that opens the page; fail afterwards if it logged, requested or threw anything."""
    opened, complaints = [], []

    def open_at(width, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(page)
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: complaints.append(request.url))
        page.goto(page_file.as_uri())
        return page

    yield open_at
    for page in opened:
        page.close()
    requested = {
        complaint
        for complaint in complaints
        if not complaint.startswith(("data:image/svg+xml", page_file.as_uri()))
    }
    assert requested == set()


def column(page, table, at):
    """Return the texts of a column, from top to bottom."""
    return page.locator(table).locator(f"tbody tr td:nth-child({at})").all_inner_texts()


@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_every_picture_is_visible(open_page, width, scheme):
    page = open_page(width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().height])")
    assert len(sizes) == 5
    assert all(natural > 300 and shown > 100 for natural, shown in sizes)
    ink, paper = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    assert (brightness(paper) > brightness(ink)) == (scheme == "light")


def brightness(colour):
    """Add up the channels of `rgb(r, g, b)`."""
    return sum(int(channel) for channel in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_a_header_sorts_its_numbers_in_both_directions_with_nulls_last(open_page):
    page = open_page(1280)
    header = page.locator(MAIN).locator("th").nth(2)
    for state in ("ascending", "descending"):
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == state
        *texts, last = column(page, MAIN, 3)
        assert last == "–"
        numbers = [float(text.split()[0]) for text in texts]
        assert len(numbers) == 4
        assert numbers == sorted(numbers, reverse=state == "descending")


def test_numbers_sort_as_numbers_and_not_as_text(open_page):
    page = open_page(1280)
    counts = "#data table >> nth=0"
    page.locator(counts).locator("th button").nth(3).click()
    found = [int(text.replace(",", "")) for text in column(page, counts, 4)]
    assert found == sorted(found)
    assert {80, 120, 200} < set(found)  # as text 120 would come first


def test_the_keyboard_sorts_too_and_text_sorts_by_letters(open_page):
    page = open_page(1280)
    page.locator(MAIN).locator("th button").first.focus()
    page.keyboard.press("Enter")
    assert column(page, MAIN, 1) == ["gat", "mean_per_cell", "mlp", "propagation", "zero"]
    page.keyboard.press("Space")
    assert column(page, MAIN, 1) == ["zero", "propagation", "mlp", "mean_per_cell", "gat"]
    assert page.locator(MAIN).locator("th[aria-sort]").count() == 1


def test_a_header_stays_in_view_while_its_table_scrolls(open_page):
    page = open_page(1280)
    scroll = page.locator("#comparisons .scroll").first
    scroll.evaluate("box => { box.scrollTop = 200 }")
    top = scroll.bounding_box()["y"]
    assert abs(scroll.locator("th").first.bounding_box()["y"] - top) < 3


def test_a_table_is_copied_as_tab_separated_text_or_selected(open_page):
    page = open_page(1280)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#main .copy").first.click()
    page.locator("#main .copy:has-text('Copied')").wait_for()
    lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[0].split("\t")[:3] == ["Model", "Kind", "pearson ↑"]
    assert len(lines) == 1 + 5


def test_text_from_files_does_not_run(open_page):
    page = open_page(1280)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.locator("#data details summary").click()
    assert "<script>alert(1)</script>" in page.locator("#data details").inner_text()
