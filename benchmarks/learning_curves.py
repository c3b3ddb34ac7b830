"""Score models trained on nested shares of the training groups, in this process; write JSON and a picture.

What `train_share` of the config does, without a report: of the results of a run of the workflow, or of a
simulated world that is made in OUT. Models see equal parts: none is refitted on validation. A model that was
trained is one small file in OUT/runs that is not made again, so a run that was killed continues.

python benchmarks/learning_curves.py --results results/local --folds 0 2 --out results/curves_real
python benchmarks/learning_curves.py --drugs 400 --folds 0 2 --out results/curves_400
python benchmarks/learning_curves.py --draw "real slice=results/curves_real" "400 drugs=results/curves_400" \
  --out docs/images/learning-curves.svg
"""

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
import yaml

from perturbkg import plugins, schemas
from perturbkg.data import Data, Signatures
from perturbkg.io.files import read_json, write_json, write_text, written_beside
from perturbkg.io.matrices import read_rows
from perturbkg.load import Parts, load_data, load_parts
from perturbkg.metrics import Evaluation
from perturbkg.models import Model
from perturbkg.report import registry
from perturbkg.report.estimates import Estimator
from perturbkg.report.figures._drawing import chart_of, save
from perturbkg.report.score_matrix import ScoreMatrix
from perturbkg.scoring.score import score
from perturbkg.splits._shares import take_share
from perturbkg.splits._tables import add_parts, read_signatures
from perturbkg.training.means import cell_means
from perturbkg.training.record import numeric_threads
from world import World, read_config

MODELS = ("mean_per_cell", "mlp", "propagation", "kernel", "graph_kernel", "gat")
SHARES = (0.125, 0.25, 0.5, 1.0)
METRICS = ("pearson", "pearson_centred", "retrieval", "rmse")
SPLIT = "scaffold"
CONTROLS = ("graph_kernel", "kernel")  # what other models are compared with: the first that ran
RESAMPLES = 2000


def make_world(options: argparse.Namespace, folder: Path) -> Path:
    """Prepare a simulated world of so many drugs, four to a scaffold and otherwise as by default."""
    overlay = folder / "world.yaml"
    simulation = f"{{drugs: {options.drugs}, scaffolds: {options.drugs // 4}, cells: {options.cells}}}"
    text = f"name: world\nsimulation: {simulation}\nsplits: [{SPLIT}]\nfolds: 5\n"
    finished = folder / "prepared.yaml"  # what the world in this folder was made by
    if not finished.is_file() or finished.read_text() != text:
        write_text(text, overlay)
        World(read_config(overlay), folder).prepare()
        overlay.replace(finished)
    return folder


def load(results: Path, out: Path) -> Data:
    """Load what models are given, from the results of a run."""
    return load_data(
        graph=results / "graph/graph.npz",
        graph_nodes=results / "graph/nodes.parquet",
        features=sorted((results / "features").glob("*.safetensors")),
        drugs=results / "drugs.parquet",
        targets=results / "drugs/targets.parquet",
        cells=results / "cells.parquet",
        baseline=results / "baseline.h5ad",
        walks=out / "walks",
    )


def part_of(parts: Parts, table: pl.DataFrame, share: float, seed: int) -> Signatures:
    """Return a share of the training signatures of a fold."""
    groups = plugins.create("splits", SPLIT, {}).groups(table.drop("part"))
    taken = take_share(groups, table["part"], share, np.random.default_rng(seed))
    return parts.train.at((taken.filter(table["part"] == "train") == "train").to_numpy())


def create(text: str, seed: int) -> Model:
    """Make a model by its name, and options as YAML after a space; it is not refitted on validation."""
    name, _, given = text.partition(" ")
    chosen = {"refit": False} if "refit" in plugins.options_of("models", name) else {}
    return plugins.create("models", name, chosen | (yaml.safe_load(given) or {}), seed=seed)


def run(made: Model, data: Data, parts: Parts, train: Signatures, observed: np.ndarray) -> pl.DataFrame:
    """Train and predict; return the score of each test signature by metric, and what the run took."""
    before = time.process_time()
    made.fit(data, train, parts.validation)
    predicted = made.predict(data, parts.test)
    seconds = time.process_time() - before
    # The whole training part, as in the workflow: a smaller share is not measured by other means.
    means = cell_means(parts.train, len(data.cells))
    evaluation = Evaluation(observed, predicted, parts.test.cell, means)
    scored = score(parts.test_labels["signature"], evaluation, METRICS)
    return scored.select(
        pl.col("signature", "metric").cast(pl.String),
        "value",
        drugs=pl.lit(len(set(train.drug))),
        seconds=pl.lit(seconds),
    )


def train_all(options: argparse.Namespace, results: Path) -> pl.DataFrame:
    """Train every model on every share of every fold, unless that is done; return all scores."""
    data = load(results, options.out)
    drugs = schemas.read(results / "drugs.parquet", schemas.Drugs)
    signatures = read_signatures(results / "signatures.h5ad", drugs)
    tables = []
    for fold in options.folds:
        path = results / f"splits/{SPLIT}/fold{fold}.parquet"
        table = add_parts(signatures, path)
        parts = load_parts(results / "signatures.h5ad", path, data)
        observed = read_rows(
            results / "signatures.h5ad", np.flatnonzero((table["part"] == "test").to_numpy())
        )
        for share in options.shares:
            train = part_of(parts, table, share, 1)
            for model in options.models:
                file = re.sub(r"\W+", "_", model).strip("_")
                kept = options.out / f"runs/fold{fold}.share{share}.{file}.seed{options.seed}.parquet"
                if not kept.is_file():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    scored = run(create(model, options.seed), data, parts, train, observed)
                    with written_beside(kept) as temporary:
                        scored.write_parquet(temporary)
                    shown = scored.group_by("metric", maintain_order=True).agg(pl.col("value").mean())
                    print(fold, share, len(train), model, *shown.rows(), scored["seconds"][0], flush=True)
                identity = {"fold": fold, "share": share, "model": model}
                tables.append(
                    pl.read_parquet(kept).with_columns(pl.lit(v).alias(k) for k, v in identity.items())
                )
    return pl.concat(tables).join(signatures.select("signature", "parent"), on="signature")


def by_share(scores: pl.DataFrame, seed: int) -> dict[float, tuple[list[ScoreMatrix], pl.DataFrame]]:
    """Lay the scores out as the report's table of learning curves takes them."""
    found = {}
    for (share,), part in scores.partition_by("share", as_dict=True).items():
        matrices = []
        for metric in METRICS:
            wide = part.filter(metric=metric).pivot(
                "model", index=["fold", "signature", "parent"], values="value"
            )
            models = wide.columns[3:]
            parent = np.unique(wide["parent"].to_numpy(), return_inverse=True)[1].astype(np.int64)
            values = wide.select(pl.col(models).fill_null(float("nan"))).to_numpy()
            columns = [(model, "none", seed) for model in models]
            matrices.append(ScoreMatrix(SPLIT, metric, wide.select("fold"), parent, columns, values))
        runs = part.select("fold", "model", "drugs", split=pl.lit(SPLIT), ablation=pl.lit("none")).unique()
        found[float(share)] = (matrices, runs)
    return dict(sorted(found.items()))


def differences(shares: dict[float, tuple[list[ScoreMatrix], pl.DataFrame]]) -> list[dict[str, Any]]:
    """Compare every model with the first of CONTROLS that ran, on the same signatures, paired by parent."""
    estimator, rows = Estimator(RESAMPLES, 1), []
    for share, (matrices, _) in shares.items():
        for matrix in matrices:
            control = next((model for model in CONTROLS if model in matrix.untouched), None)
            for model, values in matrix.untouched.items():
                if control not in (None, model):
                    identity = (matrix.metric, model, str(share))
                    found = estimator.difference(values, matrix.untouched[control], matrix.parent, *identity)
                    rows.append(
                        {"share": share, "metric": matrix.metric, "model": model, "minus": control} | found
                    )
    return pl.DataFrame(rows).with_columns(cs.float().fill_nan(None)).to_dicts() if rows else []


def draw(curve: pl.DataFrame, svg: Path) -> None:
    """Draw a learning curve as the report does."""
    choices = SimpleNamespace(headline=METRICS, drawn=METRICS[:1])
    material = SimpleNamespace(tables={"learning_curve": curve}, choices=choices)
    save(chart_of(registry.load("figures", "learning_curves"), material), svg, svg.with_suffix(".png"))  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, then write curve.json and the picture; or draw what several runs wrote beside each other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--results", type=Path, help="results of a run of the workflow; without, a world is made"
    )
    parser.add_argument("--drugs", type=int, default=400, help="of the simulated world")
    parser.add_argument("--cells", type=int, default=8, help="of the simulated world")
    parser.add_argument("--folds", type=int, nargs="+", default=[0])
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--models", nargs="+", default=MODELS, help="names; also 'gat {skip: false}'")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--draw", nargs="+", metavar="TITLE=OUT", help="runs to draw into --out, which is an SVG"
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    table = registry.load("tables", "learning_curve")
    if options.draw:
        curves = []
        for title, _, out in (run.partition("=") for run in options.draw):
            curve = pl.DataFrame(read_json(Path(out) / "curve.json")["curve"], schema=dict(table.columns))
            curves.append(curve.with_columns(split=pl.lit(title)))
        draw(pl.concat(curves), options.out)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with numeric_threads(1):
        scores = train_all(options, options.results or make_world(options, options.out))
    shares = by_share(scores, options.seed)
    curve = table.make(SimpleNamespace(by_share=shares, estimator=Estimator(RESAMPLES, 1)))
    took = scores.group_by("model", "share").agg(pl.col("seconds").unique().sum()).sort(pl.all())
    found = {"curve": curve.to_dicts(), "differences": differences(shares), "cpu_seconds": took.to_dicts()}
    write_json(found, options.out / "curve.json")
    draw(curve, options.out / "curve.svg")
    with pl.Config(tbl_rows=200, tbl_cols=20):
        print(curve, took)


if __name__ == "__main__":
    main()
