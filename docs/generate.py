"""Write the tables of README.md and docs/ that repeat what the code says.

`make docs` rewrites each block of a page between `<!-- generated: NAME -->` and `<!-- end -->` by the
function of `TABLES` with that name. Nothing else of a page is touched.
"""

import ast
import dataclasses
import importlib
import itertools
import re
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from perturbkg import plugins
from perturbkg.graph.texts import TEXT_FILES
from perturbkg.metrics import MetricInfo
from perturbkg.parsed import parse
from perturbkg.report.calibration import CONTESTS, SCORES, TOGETHER, goal, rates
from perturbkg.report.choices import Choices
from perturbkg.report.grid import number
from perturbkg.simulation.options import SimulationOptions
from perturbkg.sources.catalogue import read_catalogue

ROOT = Path(__file__).parents[1]
GUIDES = {
    "models": "models.md",
    "splits": "splits.md",
    "ablations": "ablations.md",
    "metrics": "metrics.md",
    "encoders": "encoders.md",
    "knowledge_graphs": "data.md",
    "signatures": "data.md",
    "baselines": "data.md",
}
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; pipes within cells are escaped."""
    header = list(header)
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(value: Any) -> str:
    """Return a value as a config holds it, in code type."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return f"`{text}`"


def names(found: Iterable[str]) -> str:
    """Return names in code type."""
    return ", ".join(f"`{name}`" for name in found)


def described(kind: str) -> str:
    """List the plug-ins of a kind with what their docstrings say."""
    rows = [[f"`{name}`", *plugins.summaries(kind, name)] for name in plugins.names(kind)]
    return table([kind.removesuffix("s").replace("_", " "), "what it is", "how"], rows)


def kinds() -> str:
    """List the kinds of plug-ins, what each must implement, and where it is described."""
    rows = []
    for kind, page in GUIDES.items():
        base = getattr(importlib.import_module(f"perturbkg.{kind}"), plugins.BASE_CLASS[kind])
        methods = [method for method in vars(base) if method in base.__abstractmethods__]
        folder = f"`src/perturbkg/{kind}/`"
        rows.append(
            [kind.removesuffix("s").replace("_", " "), folder, names(methods), f"[{page}](docs/{page})"]
        )
    return table(["to add a", "write a file in", "that implements", "guide"], rows)


def models() -> str:
    """List the models and which of them are controls."""
    rows = []
    for name in plugins.names("models"):
        what, how = plugins.summaries("models", name)
        conditions = "read" if plugins.constant("models", name, "conditions") else "ignored"
        rows.append([f"`{name}`", plugins.constant("models", name, "kind"), conditions, what, how])
    return table(["model", "kind", "dose and time", "what it is", "how"], rows)


def encoders() -> str:
    """List the encoders and what they read."""
    rows = []
    for name in plugins.names("encoders"):
        modality = plugins.constant("encoders", name, "modality")
        rows.append([f"`{name}`", f"`{modality}`", *plugins.summaries("encoders", name)])
    return table(["encoder", "reads", "what it is", "how"], rows)


def splits() -> str:
    """List the splits and whether they separate parent molecules."""
    rows = []
    for name in plugins.names("splits"):
        apart = "yes" if plugins.constant("splits", name, "separates_parents") else "no"
        rows.append([f"`{name}`", *plugins.summaries("splits", name), apart])
    return table(["split", "what a test asks", "groups", "parents apart"], rows)


def options(kind: str) -> str:
    """List the options of a kind, each once for all plug-ins that have it with the same default."""
    having: dict[tuple[str, str, str, str], list[str]] = {}
    for name in plugins.names(kind):
        for option in plugins.described(kind, name).values():
            values = option.values.replace(" | ", ", ")
            key = (f"`{option.name}`", code(option.setting), values, option.meaning)
            having.setdefault(key, []).append(name)
    rows = [[*key, names(having[key])] for key in having]
    return table(["option", "default", "values", "meaning", kind], rows)


def metrics() -> str:
    """List every value of every metric with its meaning."""
    infos = [info for name in plugins.names("metrics") for info in plugins.load("metrics", name).infos]
    header = ["value", "definition", "range", "better", "best", "chance", "undefined where"]
    return table(header, map(_metric, infos))


def _metric(info: MetricInfo) -> list[str]:
    low, high = info.range
    return [
        f"`{info.name}`",
        info.formula,
        f"{low:g} to {'∞' if np.isinf(high) else format(high, 'g')}",
        info.better,
        f"{info.best:g}",
        "" if info.chance is None else f"{info.chance:.3g}",
        info.undefined or "never",
    ]


def readers(kind: str) -> str:
    """List the readers of a kind, with the file keys that each reads and the terms of what it reads."""
    rows = []
    for name in plugins.names(kind):
        files = list(plugins.constant(kind, name, "files"))
        licence = plugins.constant(kind, name, "licence")
        cells = [f"`{name}`", plugins.summaries(kind, name)[0], names(files), licence]
        if kind == "signatures":
            cells.insert(2, names(plugins.constant(kind, name, "labels")))
        rows.append(cells)
    header = ["name", "what it reads", "file keys", "licence"]
    if kind == "signatures":
        header.insert(2, "labels")
    return table(header, rows)


def files() -> str:
    """List the file keys of a config, and which plug-ins read each."""
    what: dict[str, str] = dict(TEXT_FILES)
    readers: dict[str, list[str]] = {key: [] for key in TEXT_FILES}
    for kind in plugins.SINGLES.values():
        for name in plugins.names(kind):
            for constant in ("files", "optional_files"):
                for key, text in plugins.constant_or(kind, name, constant, {}).items():
                    what.setdefault(key, text)
                    readers.setdefault(key, []).append(f"{kind}/{name}")
    return table(
        ["file key", "what it is", "read by"],
        [[f"`{key}`", text, names(readers[key]) or "all"] for key, text in what.items()],
    )


def simulation() -> str:
    """List the options of the simulated world."""
    rows = [
        [
            f"`{option.name}`",
            code(option.default),
            f"{option.metadata['minimum']:,} to {option.metadata['maximum']:,}",
            option.metadata["description"],
        ]
        for option in dataclasses.fields(SimulationOptions)
    ]
    return table(["option", "default", "range", "meaning"], rows)


def sources() -> str:
    """List what `source: download` can fetch."""
    rows = [
        [f"`{name}`", source.version, source.size, source.verified_by, source.publisher.licence, source.about]
        for name, source in read_catalogue().items()
    ]
    return table(["name", "version", "size", "verified by", "licence", "what"], rows)


def data() -> str:
    """List what a model may read, with the string under each field of `Data`."""
    body = parse(ROOT / "src/perturbkg/data.py").classes["Data"].body
    rows = [
        [f"`{field.target.id}`", " ".join(string.value.value.split())]
        for field, string in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
    ]
    return table(["`data.`", "what it is"], rows)


def calibration() -> str:
    """Count the worlds of docs/calibration: how often each model is declared better than each rival."""
    read_config = runpy.run_path(str(ROOT / "benchmarks/world.py"))["read_config"]
    choices = Choices.of(read_config(ROOT / "config/calibrate.yaml"))
    found = pl.read_csv(ROOT / "docs/calibration/contests.csv", schema=CONTESTS)
    rows = [
        [
            f"{row['kg_signal']:g}",
            f"`{row['model']}`",
            row["rival"] if row["rival"] == TOGETHER else f"`{row['rival']}`",
            number(row["median"], sign=True),
            f"{row['ahead']} of {row['worlds']}",
            f"{row['better']} of {row['worlds']} [{row['low']:.0%}, {row['high']:.0%}]",
            str(row["worse"]),
            goal(row, choices),
        ]
        for row in rates(found, choices).sort("kg_signal", descending=True, maintain_order=True).to_dicts()
    ]
    header = [
        "`kg_signal`",
        "model",
        "against",
        "median difference",
        "ahead",
        "declared better",
        "worse",
        "goal",
    ]
    return table(header, rows)


def calibration_scores() -> str:
    """List the mean score of each model over the worlds of docs/calibration."""
    found = pl.read_csv(ROOT / "docs/calibration/scores.csv", schema=SCORES)
    means = found.group_by("model", "ablation", "kg_signal").agg(pl.col("mean").mean())
    signals = sorted(means["kg_signal"].unique())
    wide = means.pivot("kg_signal", index=["model", "ablation"], values="mean", sort_columns=True)
    rows = [
        [f"`{model}`", "" if ablation == "none" else f"`{ablation}`", *map(number, scores)]
        for model, ablation, *scores in wide.sort(wide.columns[-1], "model", descending=[True, False]).rows()
    ]
    return table(["model", "ablation", *(f"`kg_signal: {signal:g}`" for signal in signals)], rows)


def report_modules() -> str:
    """List the modules of the report and what the docstring of each begins with."""
    report = plugins.PACKAGE / "report"
    files = [*report.glob("*.py"), *report.glob("*/__init__.py")]
    said = {
        file.parent.name + "/" if file.stem == "__init__" else file.stem: parse(file).documentation
        for file in files
        if file != report / "__init__.py"
    }
    rows = [[f"`{name}`", " ".join(text.partition("\n\n")[0].split())] for name, text in sorted(said.items())]
    return table(["module of `src/perturbkg/report`", "what it is for"], rows)


TABLES = {
    "kinds": kinds,
    "models": models,
    "data": data,
    "model-options": lambda: options("models"),
    "encoders": encoders,
    "encoder-options": lambda: options("encoders"),
    "splits": splits,
    "ablations": lambda: described("ablations"),
    "ablation-options": lambda: options("ablations"),
    "metrics": metrics,
    "knowledge-graphs": lambda: readers("knowledge_graphs"),
    "signatures": lambda: readers("signatures"),
    "baselines": lambda: readers("baselines"),
    "files": files,
    "simulation-options": simulation,
    "calibration": calibration,
    "calibration-scores": calibration_scores,
    "report-modules": report_modules,
    "sources": sources,
}


def generated(text: str) -> str:
    """Return a page with its generated blocks as the code has them now."""
    return BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}{block[3]}", text)


def pages(root: Path) -> list[Path]:
    """Return the pages with tables that may be generated."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def main(root: Path = ROOT) -> None:
    """Rewrite the pages whose tables are stale, and name them."""
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        if (new := generated(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"{page.relative_to(root)}: updated", file=sys.stderr)


if __name__ == "__main__":
    main()
