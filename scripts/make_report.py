"""Write tables, figures, verdict and a record of the run into one self-contained page."""

from collections.abc import Sequence
from pathlib import Path

from perturbkg.io.files import read_json, write_text
from perturbkg.io.scripting import reporting
from perturbkg.report import page as pages
from perturbkg.report import registry
from perturbkg.report.terms import source_terms


def main(
    *,
    run: str | Path,
    layouts: Sequence[str | Path],
    verdict: str | Path,
    svg: Sequence[str | Path],
    page: str | Path,
) -> None:
    """Write the page from the layouts of all tables and the SVG files of all figures, in registry order."""
    ran = read_json(run)
    text = pages.render(
        run=ran,
        verdict=read_json(verdict),
        tables={
            name: pages.table(name, path)
            for name, path in zip(registry.names("tables"), layouts, strict=True)
        },
        figures={
            name: pages.figure(name, Path(path).read_text(encoding="utf-8"))
            for name, path in zip(registry.names("figures"), svg, strict=True)
        },
        terms=source_terms(ran["config"], ran["downloads"]),
    )
    write_text(text, page)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_report"):
        main(
            run=snakemake.input.run,
            layouts=snakemake.input.layouts,
            verdict=snakemake.input.verdict,
            svg=snakemake.input.svg,
            page=snakemake.output.page,
        )
