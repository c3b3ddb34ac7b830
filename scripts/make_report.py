"""Put tables, figures, verdict and what ran into one self-contained page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perturbkg.io.files import read_json, write_text
from perturbkg.io.scripting import reporting
from perturbkg.report import page as pages
from perturbkg.report.catalogue import FIGURES, HEADLINE, TABLES
from perturbkg.report.definitions import metric_infos, source_terms
from perturbkg.report.layout import lay_out
from perturbkg.report.tables import read_table


def main(
    *,
    run: str | Path,
    csv: Sequence[str | Path],
    verdict: str | Path,
    svg: Sequence[str | Path],
    manifests: Sequence[str | Path],
    folds: Sequence[dict[str, Any]],
    page: str | Path,
    headline: Sequence[str] = HEADLINE,
) -> None:
    """Write the page from the CSV files of `catalogue.TABLES` and SVG files of `catalogue.FIGURES`, in order.

    `folds` names the split and fold of each manifest: {"split": ..., "fold": ...}.
    """
    metrics, ran = metric_infos(), read_json(run)
    frames = {name: read_table(name, path) for name, path in zip(TABLES, csv, strict=True)}
    tables = {
        name: pages.table(name, lay_out(name, frame, metrics=metrics, headline=headline))
        for name, frame in frames.items()
    }
    tables["manifests"] = pages.manifest_table(folds, [read_json(path) for path in manifests])
    tables["metrics"] = pages.metric_table(metrics, set(frames["main"]["metric"]))
    text = pages.render(
        run=ran,
        verdict=read_json(verdict),
        tables=tables,
        figures={
            name: pages.figure(name, Path(path).read_text(encoding="utf-8"))
            for name, path in zip(FIGURES, svg, strict=True)
        },
        terms=source_terms(ran["config"], ran["downloads"]),
    )
    write_text(text, page)


if "snakemake" in globals():
    with reporting(snakemake.log[0], "make_report"):
        main(
            run=snakemake.input.run,
            csv=snakemake.input.csv,
            verdict=snakemake.input.verdict,
            svg=snakemake.input.svg,
            manifests=snakemake.input.manifests,
            folds=snakemake.params.folds,
            page=snakemake.output.page,
        )
