"""Write a table as CSV (tidy, full precision), and as Markdown, LaTeX and JSON (rounded, for reading)."""

import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from perturbkg.io.files import read_json, write_text
from perturbkg.report.grid import Cell, Grid

LONG = 40  # rows beyond which a LaTeX table may break over pages

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # Inside an optional argument or at the start of a row a bracket would be read as syntax.
    "[": "{[}",
    "]": "{]}",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "†": r"$^\dagger$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "²": r"$^2$",
    "’": "'",
}
_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "kappa", "lambda", "mu", "omega")
_LATEX |= {
    unicodedata.lookup(f"GREEK SMALL LETTER {name.replace('lambda', 'lamda')}"): f"$\\{name}$"
    for name in _GREEK
}


def write_table(
    name: str,
    title: str,
    note: str,
    frame: pl.DataFrame,
    grids: Sequence[Grid],
    *,
    csv: str | Path,
    markdown: str | Path,
    latex: str | Path,
    layout: str | Path,
) -> None:
    """Write the four forms of a table; the page shows `layout`, and `read_layout` reads it."""
    write_text(frame.write_csv(), csv)
    write_text(to_markdown(grids, title, note), markdown)
    write_text(to_latex(grids, title, note, name), latex)
    shown = {"title": title, "note": note, "grids": [grid.to_json() for grid in grids]}
    write_text(json.dumps(shown, ensure_ascii=False, allow_nan=False) + "\n", layout)


def read_layout(path: str | Path) -> tuple[str, str, list[Grid]]:
    """Return title, note and grids of a table from its JSON."""
    found = read_json(path)
    return found["title"], found["note"], [Grid.from_json(grid) for grid in found["grids"]]


def to_markdown(grids: Sequence[Grid], title: str, note: str) -> str:
    """Return aligned pipe tables under a heading."""
    parts = [f"## {markdown_escape(title)}", markdown_escape(note)]
    for grid in grids:
        if grid.title != title:
            parts.append(f"### {markdown_escape(grid.title)}")
        parts.append(_pipes(grid))
    return "\n\n".join(parts if grids else [*parts, "Nothing to show."]) + "\n"


def _pipes(grid: Grid) -> str:
    """Return one pipe table, its columns padded to their widest cell."""
    head = [markdown_escape(column.title) for column in grid.columns]
    body = [[_marked(cell) for cell in row] for row in grid.rows]
    widths = [max(3, *(len(row[at]) for row in [head, *body])) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if column.numeric else text.ljust(width)
            for text, width, column in zip(cells, widths, grid.columns, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * (width - 1) + ":" if column.numeric else "-" * width
        for width, column in zip(widths, grid.columns, strict=True)
    ]
    return "\n".join([line(head), f"| {' | '.join(rule)} |", *(line(row) for row in body)])


def _marked(cell: Cell) -> str:
    text = markdown_escape(cell.text)
    return f"**{text}**" if cell.bold else text


def markdown_escape(text: str) -> str:
    """Escape what Markdown would read as markup, and keep a cell on one line."""
    return " ".join(re.sub(r"([\\|`*]|<(?=\S))", r"\\\1", text).split())


def to_latex(grids: Sequence[Grid], title: str, note: str, label: str) -> str:
    """Return booktabs tables, long ones as longtable; plain pdfLaTeX compiles them."""
    lines = [r"% \usepackage{booktabs,longtable,textcomp} and \usepackage[T1]{fontenc}"]
    for at, grid in enumerate(grids):
        heading = title if grid.title == title else f"{title}. {grid.title}"
        caption = rf"\caption{{{latex_escape(f'{heading}. {note}')}}}"
        lines += _tabular(grid, caption, rf"\label{{tab:{label}-{at + 1}}}")
    return "\n".join(lines) + "\n"


def _tabular(grid: Grid, caption: str, label: str) -> list[str]:
    """Return the lines of one table environment."""
    align = "".join("r" if column.numeric else "l" for column in grid.columns)
    head = f"{' & '.join(latex_escape(column.title) for column in grid.columns)} \\\\"
    body = [f"{' & '.join(_set(cell) for cell in row)} \\\\" for row in grid.rows]
    if len(body) > LONG:
        start = [rf"\begin{{longtable}}{{{align}}}", rf"{caption}{label}\\", r"\toprule", head, r"\midrule"]
        return [*start, r"\endhead", *body, r"\bottomrule", r"\end{longtable}", ""]
    start = [r"\begin{table}", r"\centering\small", caption, label, rf"\begin{{tabular}}{{{align}}}"]
    return [
        *start,
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]


def _set(cell: Cell) -> str:
    text = latex_escape(cell.text)
    return rf"\textbf{{{text}}}" if cell.bold else text


def latex_escape(text: str) -> str:
    """Escape what LaTeX would read as syntax; a character that its fonts lack is named by its code point."""
    return "".join(_LATEX.get(character) or _known(character) for character in " ".join(text.split()))


def _known(character: str) -> str:
    """Return a character of Latin-1 as it is; of others the nearest one, or the code point."""
    for form in (character, unicodedata.normalize("NFKD", character)):
        plain = "".join(part for part in form if not unicodedata.combining(part))
        if plain and all(part.isprintable() and ord(part) < 127 for part in plain):
            return "".join(_LATEX.get(part, part) for part in plain)
        if len(form) == 1 and form.isprintable() and 0xC0 <= ord(form) <= 0xFF:
            return form
    return f"U+{ord(character):04X}"
