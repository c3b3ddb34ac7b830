"""Count how often the report says what was planted: worlds whose graph explains everything or nothing.

Each world is simulated, prepared, split, trained and scored like a run of the workflow, and its models are
compared like in a report. A finished world is one small file in OUT/worlds that is not made again, so a run
that was killed continues. Runs with different --signals can share OUT; the last to end sums up all worlds.

python benchmarks/calibrate.py                       # 40 worlds; docs/calibration.md has the times
python benchmarks/calibrate.py --signals 1 --worlds 3 --out results/try
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import config as configuration
from perturbkg import extras, imports, plugins
from perturbkg.errors import InputError
from perturbkg.io.files import read_json, write_json, written_beside
from perturbkg.io.scripting import progress
from perturbkg.metrics import value_infos
from perturbkg.report.calibration import (
    CONTESTS,
    SCORES,
    chart,
    contests,
    goal,
    rates,
    rewired_models,
    scores,
)
from perturbkg.report.choices import Choices
from perturbkg.report.figures._drawing import save
from world import World, read_config

ROOT = Path(__file__).parents[1]


def config_of(config: dict[str, Any], signal: float, seed: int) -> dict[str, Any]:
    """Return the config of one world, with all options."""
    simulation = {**config["simulation"], "kg_signal": signal}
    return configuration.in_force({**config, "simulation": simulation, "seed": seed})


def counted_models(config: dict[str, Any], overlay: Path) -> list[str]:
    """Return the models whose reports are counted; raise InputError where there is nothing to count."""
    models, report = rewired_models(config), config["report"]
    if report["reference"] not in models:
        raise InputError(
            f"{overlay}: ablations.{report['reference']}: must hold {report['rewired']!r} (report.rewired), "
            "as the reference is compared with its rewired self"
        )
    if len(config["splits"]) != 1:
        raise InputError(f"{overlay}: splits: {config['splits']} must be one split, whose worlds are counted")
    if config["train_share"] != [1]:
        raise InputError(f"{overlay}: train_share: {config['train_share']} must be [1], all training groups")
    decisive = Choices.of(config).headline[0]
    if value_infos()[decisive].better != "higher":
        raise InputError(
            f"{overlay}: report.headline: of the first value, {decisive!r}, higher must be better"
        )
    return models


def measure(config: dict[str, Any], models: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run one world in a folder, which is removed; return what is kept of it."""
    start = time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    world = World(config, folder)
    results = world.run()
    kept = {
        "config": config,
        "code": code_of(config),
        "scores": scores(results),
        "contests": [row for model in models for row in contests(results, model)],
        "seconds": {name: round(seconds, 2) for name, seconds in world.seconds.items()},
        "seconds_total": round(time.perf_counter() - start, 1),
    }
    shutil.rmtree(folder)
    return kept


def code_of(config: dict[str, Any]) -> str:
    """Return a digest of the code that a world depends on."""
    chosen = [("models", model) for model in config["models"]]
    chosen += [("ablations", name) for names in config["ablations"].values() for name in names]
    chosen += [("encoders", name) for names in config["encoders"].values() for name in names]
    files = [plugins.source(kind, name) for kind, name in dict.fromkeys(chosen)]
    return imports.digest(Path(__file__), *sorted((ROOT / "scripts").glob("*.py")), *files)


def read_world(path: Path, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a finished world; raise InputError if it is damaged, or was made with another config."""
    try:
        found = read_json(path)
        made_with = found["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is not a finished world ({error}); delete it") from error
    wanted = made_with if config is None else json.loads(json.dumps(config))
    if differing := sorted(key for key in {*made_with, *wanted} if made_with.get(key) != wanted.get(key)):
        raise InputError(
            f"{path}: was made with another config ({', '.join(differing)}); delete it, or give another --out"
        )
    return dict(found)


def summarise(out: Path, choices: Choices) -> list[str]:
    """Write scores, contests, rates and the figure of all worlds in OUT; return lines to print."""
    worlds = [read_world(path) for path in sorted((out / "worlds").glob("*.json"))]
    of = [
        {"kg_signal": world["config"]["simulation"]["kg_signal"], "seed": world["config"]["seed"]}
        for world in worlds
    ]
    tables = {
        name: pl.DataFrame(
            [key | row for key, world in zip(of, worlds, strict=True) for row in world[name]],
            schema=columns,
        ).sort("kg_signal", "seed", maintain_order=True)
        for name, columns in (("scores", SCORES), ("contests", CONTESTS))
    }
    counted = rates(tables["contests"], choices)
    for name, table in {**tables, "rates": counted}.items():
        with written_beside(out / f"{name}.csv") as temporary:
            table.with_columns(pl.col(pl.Float64).round(6).replace(-0.0, 0.0)).write_csv(temporary)
    save(chart(tables["contests"], choices), out / "calibration.svg", out / "calibration.png")
    lines = [
        f"kg_signal {row['kg_signal']:g}: {row['model']} against {row['rival']}: better in "
        f"{row['better']} of {row['worlds']}, worse in {row['worse']}{asked and f' ({asked})'}"
        for row in counted.iter_rows(named=True)
        for asked in [goal(row, choices)]
    ]
    versions = len({world["code"] for world in worlds})
    if versions > 1:
        lines.append(f"warning: the worlds are of {versions} versions of the code")
    return [*lines, f"Tables and figure: {out}"]


def run(overlay: Path, *, worlds: int, first_seed: int, signals: Sequence[float], out: Path) -> None:
    """Make the worlds that are missing, then sum up all that are in `out`."""
    config = read_config(overlay)
    models = counted_models(config, overlay)
    wanted = {}
    for seed in range(first_seed, first_seed + worlds):
        for signal in dict.fromkeys(signals):
            wanted[f"signal{signal:g}_seed{seed}"] = config_of(config, signal, seed)
    missing = []
    for name, of_world in wanted.items():
        path = out / f"worlds/{name}.json"
        if path.exists():
            read_world(path, of_world)
        else:
            missing.append(name)
    with progress(total=len(wanted), initial=len(wanted) - len(missing), unit=" worlds") as bar:
        for name in missing:
            bar.set_description(name)
            kept = measure(wanted[name], models, out / "work" / name)
            write_json(kept, out / f"worlds/{name}.json")
            bar.write(f"{name}: {kept['seconds_total']:.0f} s")
            bar.update()
    print(*summarise(out, Choices.of(config)), sep="\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for; a bad input is one line and status 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "config/calibrate.yaml")
    parser.add_argument("--worlds", type=int, default=20, help="at each kg_signal")
    parser.add_argument(
        "--first-seed", type=int, default=1001, help="the worlds have this seed and the next ones"
    )
    parser.add_argument("--signals", type=float, nargs="+", default=[0.0, 1.0], help="values of kg_signal")
    parser.add_argument("--out", type=Path, default=Path("results/calibrate"))
    options = parser.parse_args(arguments)
    if options.worlds < 1:
        parser.error("--worlds must be at least 1")
    if options.first_seed < 0:
        parser.error("--first-seed must be at least 0")
    try:
        with extras.explained():
            run(
                options.config,
                worlds=options.worlds,
                first_seed=options.first_seed,
                signals=options.signals,
                out=options.out,
            )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
