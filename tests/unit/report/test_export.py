"""Markdown and LaTeX tables that keep their texts, whatever characters these contain."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.report.export import latex_escape, markdown_escape, to_latex, to_markdown
from perturbkg.report.grid import Cell, Column, Grid

HOSTILE = r"50% of {x} & $y_1^2 #~\|<b>*`[a]" + '"−–†µβΔ漢'


def grid(*texts, bold=False):
    return Grid(
        "A grid", [Column("Name"), Column("n", True)], [[Cell(t, t), Cell("1", 1, bold)] for t in texts]
    )


def test_a_markdown_table_is_aligned():
    text = to_markdown([grid("a", "longer", bold=True)], "Title", "A note.")
    assert text == (
        "## Title\n\nA note.\n\n### A grid\n\n"
        "| Name   |     n |\n"
        "| ------ | ----: |\n"
        "| a      | **1** |\n"
        "| longer | **1** |\n"
    )


def test_a_latex_table_has_rules_a_caption_and_a_label():
    text = to_latex([grid("a_b", bold=True)], "Title", "95 % of it.", "main")
    assert r"\caption{Title. A grid. 95 \% of it.}" in text
    assert r"\label{tab:main-1}" in text
    assert (
        "\\toprule\nName & n \\\\\n\\midrule\na\\_b & \\textbf{1} \\\\\n\\bottomrule\n\\end{tabular}" in text
    )


def test_a_long_latex_table_may_break_over_pages():
    text = to_latex([grid(*"abcdefghij" * 5)], "Title", "", "long")
    assert text.count(r"\begin{longtable}{lr}") == text.count(r"\end{longtable}") == 1
    assert r"\begin{tabular}" not in text


def test_latex_escapes_by_hand():
    assert latex_escape("a_b & 5%") == r"a\_b \& 5\%"
    assert latex_escape("\\") == r"\textbackslash{}"
    assert latex_escape("β ≥ −1") == r"$\beta$ $\geq$ $-$1"
    assert latex_escape("é ﬁ 漢") == "é fi U+6F22"


@given(st.text())
def test_escaped_latex_is_balanced_and_no_text_acts_as_syntax(text):
    escaped = latex_escape(text)
    commands = re.sub(
        r"\\[a-zA-Z]+(\{\})?|\\[{}$&#%_]|\$\\[a-z]+\$|\$-\$|\{\[\}|\{\]\}|\$\^\\dagger\$|\$\^2\$", "", escaped
    )
    assert not set(commands) & set('\\{}$&#%_^~[]"|<>\n')
    assert all(ord(character) < 256 for character in escaped)


@given(st.text())
def test_an_escaped_markdown_cell_stays_one_cell_of_one_line(text):
    escaped = markdown_escape(text)
    assert not re.search(r"(?<!\\)(\\\\)*\|", escaped)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(\\\\)*<[a-zA-Z/!]", escaped)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_compiles_every_table(tables, tmp_path):
    for path in tables.values():
        shutil.copy(path.with_suffix(".tex"), tmp_path)
    (tmp_path / "hostile.tex").write_text(
        to_latex([grid(HOSTILE), grid(*[HOSTILE] * 50)], HOSTILE, HOSTILE, "x")
    )
    inputs = "".join(rf"\input{{{name}}}\clearpage" for name in [*tables, "hostile"])
    (tmp_path / "all.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs,longtable,textcomp}"
        rf"\begin{{document}}{inputs}\end{{document}}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
