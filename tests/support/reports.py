"""Make the report of fabricated results with the scripts of the workflow."""

import runpy
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fabricated import MODELS

from perturbkg import config
from perturbkg.report import registry
from perturbkg.report.choices import Choices

ROOT = Path(__file__).parents[2]
TABLES, FIGURES = registry.names("tables"), registry.names("figures")
PLUG_INS = ("pearson", "pearson_deg", "pearson_centred", "retrieval", "rmse", "dispersion")


def script(name: str):
    """Return the main function of a script of the workflow."""
    return runpy.run_path(str(ROOT / f"scripts/{name}.py"))["main"]


def choices_of(
    models: Iterable[str] = MODELS, metrics: Iterable[str] = PLUG_INS, **report: object
) -> Choices:
    """Return the choices of a config that names these models and metric plug-ins."""
    parts = {"reference": "gat", "without_graph": "mlp"}  # of the fabricated models
    default = config.read(ROOT / "config/config.yaml")["report"] | parts
    return Choices.of({"models": list(models), "metrics": list(metrics), "report": default | report})


def make_tables(
    made: dict[str, object],
    folder: Path,
    *,
    choices: Choices | None = None,
    resamples: int = 200,
    seed: int = 1,
) -> dict[str, Path]:
    """Run scripts/make_tables.py on fabricated results; return table -> its CSV."""
    inputs = (
        "scores",
        "runs",
        "signatures",
        "drugs",
        "matches",
        "test_drugs",
        "manifests",
        "folds",
        "counts",
        "exclusions",
    )
    script("make_tables")(
        **{name: made[name] for name in inputs},
        csv=[folder / f"{name}.csv" for name in TABLES],
        markdown=[folder / f"{name}.md" for name in TABLES],
        latex=[folder / f"{name}.tex" for name in TABLES],
        layout=[folder / f"{name}.json" for name in TABLES],
        verdict=folder / "verdict.json",
        resamples=resamples,
        seed=seed,
        choices=asdict(choices or choices_of()),
    )
    return {name: folder / f"{name}.csv" for name in TABLES}


def make_figures(
    made: dict[str, object], tables: dict[str, Path], folder: Path, choices: Choices | None = None
) -> dict[str, Path]:
    """Run scripts/make_figures.py on the last split; return figure -> its SVG."""
    split = made["folds"][-1]["split"]
    script("make_figures")(
        tables=list(tables.values()),
        **{name: made[name] for name in ("scores", "signatures", "drugs")},
        predictions=[path for path in made["predictions"] if path.name.startswith(split)],
        svg=[folder / f"{name}.svg" for name in FIGURES],
        png=[folder / f"{name}.png" for name in FIGURES],
        split=split,
        model_seed=1,
        choices=asdict(choices or choices_of()),
    )
    return {name: folder / f"{name}.svg" for name in FIGURES}


def make_page(made: dict[str, object], tables: dict[str, Path], figures: dict[str, Path], page: Path) -> Path:
    """Run scripts/make_report.py; return the page."""
    script("make_report")(
        run=made["run"],
        layouts=[path.with_suffix(".json") for path in tables.values()],
        verdict=tables["main"].with_name("verdict.json"),
        svg=list(figures.values()),
        page=page,
    )
    return page
