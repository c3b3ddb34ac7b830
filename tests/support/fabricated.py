"""Fabricate the results of a benchmark, so that the report can be tested without running one."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl

from perturbkg import schemas
from perturbkg.io.files import write_json
from perturbkg.io.matrices import write_matrix
from perturbkg.io.tallies import counted

GENES = 978
MODELS = {"gat": 0.36, "propagation": 0.35, "mlp": 0.33, "mean_per_cell": 0.29, "zero": None}
ABLATIONS = {"shuffle_edges": -0.04, "random_features": -0.01, "no_graph": -0.03}  # of gat
METRICS = ("pearson", "pearson_deg100", "pearson_centred", "retrieval", "rmse", "dispersion")


def fabricate(
    folder: Path,
    *,
    signatures: int = 120,
    parents: int = 40,
    cells: int = 3,
    splits: tuple[str, ...] = ("random", "scaffold"),
    folds: int = 2,
    seeds: tuple[int, ...] = (1,),
    models: dict[str, float | None] = MODELS,
    metrics: tuple[str, ...] = METRICS,
    ablations: Mapping[str, Iterable[str]] = MappingProxyType({"gat": tuple(ABLATIONS)}),
    shares: tuple[float, ...] = (1.0,),
) -> dict[str, object]:
    """Write everything that the report reads into a folder; return script argument -> path or value.

    `models` maps a model to its mean score; None: its scores are undefined, except errors. `metrics` are
    values of metrics, not plug-ins.
    """
    rng = np.random.default_rng(0)
    drugs = pl.DataFrame(
        {
            "drug": [f"BRD-{d:04d}" for d in range(parents)],
            "name": [f"drug|{d}_<b>&{d}" if d % 7 == 3 else f"compound {d}" for d in range(parents)],
            "smiles": "C",
            "parent": [
                f"PARENT{d // 2 * 2:04d}" if d % 10 == 1 else f"PARENT{d:04d}" for d in range(parents)
            ],
            "scaffold": "",
            "targets": [["TP53"] if d % 3 else [] for d in range(parents)],
            "kg_node": [f"drug:DrugBank:DB{d}" if d % 2 else None for d in range(parents)],
            "match": ["name" if d % 2 else None for d in range(parents)],
        },
        schema_overrides={"targets": pl.List(pl.String)},
    )
    obs = pl.DataFrame(
        {
            "signature": [f"SIG{s:05d}" for s in range(signatures)],
            "drug": [f"BRD-{s % parents:04d}" for s in range(signatures)],
            "cell": [f"CELL{s // parents % cells}" for s in range(signatures)],
        }
    )
    var = pl.DataFrame(
        {"entrez": [str(g) for g in range(GENES)], "symbol": [f"GENE{g}" for g in range(GENES)]}
    )
    strength = rng.gamma(1.5, 0.6, signatures)
    modules = rng.normal(size=(6, GENES)) * (rng.random((6, GENES)) < 0.15)
    delta = (rng.normal(size=(signatures, 6)) @ modules * strength[:, None]).astype(np.float32)
    delta += rng.normal(scale=0.6, size=delta.shape).astype(np.float32)

    paths = {
        "signatures": folder / "signatures.h5ad",
        "drugs": folder / "drugs.parquet",
        "scores": folder / "scores.parquet",
        "runs": folder / "runs.parquet",
        "matches": folder / "matches.parquet",
        "run": folder / "run.json",
    }
    write_matrix(delta, obs, var, paths["signatures"])
    schemas.write(drugs, schemas.Drugs, paths["drugs"])
    found = drugs.select(
        "drug",
        "name",
        "kg_node",
        kg_name="name",
        match=pl.col("match").fill_null("none"),
        candidates=pl.lit(1, pl.Int64),
        reason=pl.lit(None, pl.String),
    )
    schemas.write(found, schemas.Matches, paths["matches"])

    drug = np.arange(signatures) % parents
    test_drugs, folds_made, manifests, predictions, scores, runs = [], [], [], [], [], []
    difficulty = rng.normal(scale=0.12, size=parents)[drug] + rng.normal(scale=0.05, size=signatures)
    for split in splits:
        fold_of = drug % folds if split == "scaffold" else rng.integers(0, folds, signatures)
        for fold in range(folds):
            tested = np.flatnonzero(fold_of == fold)
            names = sorted({f"BRD-{d:04d}" for d in drug[tested]})
            similarity = np.ones(len(names)) if split == "random" else rng.beta(3, 4, len(names))
            table = pl.DataFrame(
                {
                    "drug": names,
                    "nearest_drug": "BRD-0000",
                    "similarity": similarity,
                    "has_target": [int(name[-4:]) % 3 > 0 for name in names],
                }
            )
            test_drugs.append(folder / f"{split}{fold}.test_drugs.parquet")
            schemas.write(table, schemas.TestDrugs, test_drugs[-1])
            folds_made.append({"split": split, "fold": fold})
            manifests.append(folder / f"{split}{fold}.manifest.json")
            write_json(
                {
                    "signatures": {
                        "train": signatures - len(tested) - 10,
                        "validation": 10,
                        "test": len(tested),
                        "left_out": 0,
                    },
                    "parents": {"test": len(names)},
                    "parents_shared": len(names) if split == "random" else 0,
                    "scaffolds_shared": 0,
                    "cells_shared": cells,
                    "test_drugs": {
                        "with_target": 12,
                        "similarity_quantiles": {
                            "0.5": float(np.median(similarity)),
                            "1.0": float(similarity.max()),
                        },
                    },
                },
                manifests[-1],
            )
            predicted = 0.4 * delta[tested] + rng.normal(scale=0.6, size=(len(tested), GENES))
            predictions.append(folder / f"{split}{fold}.prediction.h5ad")
            write_matrix(predicted.astype(np.float32), obs[tested], var, predictions[-1])
            for model, level in models.items():
                conditions = [("none", share) for share in shares]
                conditions += [(ablation, 1.0) for ablation in ablations.get(model, ())]
                for ablation, share in conditions:
                    for seed in seeds:
                        runs.append((split, fold, model, ablation, share, seed))
                        for metric in metrics:
                            base = difficulty[tested] + ABLATIONS.get(ablation, 0.0) + 0.03 * np.log2(share)
                            value = (level or 0.0) + base + rng.normal(scale=0.04, size=len(tested))
                            if metric == "rmse":
                                value = 1.5 - value
                            if level is None and metric != "rmse":
                                value = np.full(len(tested), np.nan)
                            if metric == "retrieval":
                                value = 0.8 - value
                                value[::17] = np.nan
                            scores.append((split, fold, model, ablation, share, seed, metric, tested, value))

    write_scores(scores, obs["signature"], paths["scores"])
    write_runs(runs, rng, paths["runs"])
    counts = pl.concat(
        [
            counted("select_signatures", "signatures", [("read", 200), ("dose", 80), ("kept", 120)]),
            counted("collect_node_inputs", "disease text", [("present", 22_000), ("absent", 5)]),
            counted("collect_node_inputs", "drug smiles", [("present", 7_000), ("absent", 957)]),
            counted(
                "embed_nodes",
                "disease text by biobert",
                [
                    ("read", 22_005),
                    ("nothing to encode", 5),
                    ("kept", 22_000),
                    ("of these: cut at 512 tokens", 31),
                ],
            ),
        ]
    )
    schemas.write(counts, schemas.Counts, folder / "counts.parquet")
    exclusions = pl.DataFrame(
        {
            "stage": "prepare_drugs",
            "what": "drugs",
            "item": ["BRD-X|1_2", "007", "<script>alert(1)</script>"],
            "row": [3, 14, None],
            "reason": ["SMILES cannot be parsed: C(((", "no structure", "50% of {x} & $y"],
        },
        schema_overrides={"row": pl.Int64},
    )
    schemas.write(exclusions, schemas.Exclusions, folder / "exclusions.parquet")
    write_json(
        {
            "dataset": "demo",
            "seed": 1,
            "config": {
                "name": "demo",
                "source": "simulated",
                "knowledge_graph": "primekg",
                "signatures": "lincs2020",
                "baseline": "table",
                "downloads": {"catalogue": None},
                "splits": list(splits),
                "folds": folds,
                "models": list(models),
            },
            "versions": {"perturbkg": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "numba": None},
            "inputs": {"resources/demo/raw/kg.csv": "0" * 64},
            "downloads": [
                {
                    "name": "primekg_kg",
                    "version": "2.1",
                    "file": "kg.csv",
                    "origin": "https://dataverse.harvard.edu/api/access/datafile/6180620",
                    "verified": "catalogue",
                    "download": {"bytes": 981_751_236, "digests": {"sha256": "1" * 64}},
                    "unpacked": None,
                }
            ],
        },
        paths["run"],
    )
    return {
        **paths,
        "test_drugs": test_drugs,
        "folds": folds_made,
        "manifests": manifests,
        "predictions": predictions,
        "counts": [folder / "counts.parquet"],
        "exclusions": [folder / "exclusions.parquet"],
    }


def write_scores(parts: list[tuple], names: pl.Series, path: Path) -> None:
    """Write schemas.Scores of (split, fold, model, ablation, share, seed, metric, rows, values) parts."""
    tables = []
    for split, fold, model, ablation, share, seed, metric, rows, values in parts:
        table = pl.DataFrame({"signature": names[rows], "value": pl.Series(values, nan_to_null=True)})
        null = pl.col("value").is_null()
        tables.append(
            table.select(
                dataset=pl.lit("demo", pl.Categorical),
                split=pl.lit(split, pl.Categorical),
                fold=pl.lit(fold, pl.Int64),
                model=pl.lit(model, pl.Categorical),
                ablation=pl.lit(ablation, pl.Categorical),
                share=pl.lit(share, pl.Float64),
                seed=pl.lit(seed, pl.Int64),
                signature=pl.col("signature").cast(pl.Categorical),
                metric=pl.lit(metric, pl.Categorical),
                value="value",
                reason=pl.when(null).then(pl.lit("constant prediction")).cast(pl.Categorical),
            )
        )
    schemas.write(pl.concat(tables, rechunk=True), schemas.Scores, path)


def write_runs(identities: list[tuple], rng: np.random.Generator, path: Path) -> None:
    """Write schemas.Runs with made-up seconds."""
    runs = pl.DataFrame(
        identities, schema=["split", "fold", "model", "ablation", "share", "seed"], orient="row"
    ).with_columns(dataset=pl.lit("demo"))
    n = runs.height
    moved = [
        json.dumps({"edges_moved": {"all": 0.93}}) if row[3] == "shuffle_edges" else "{}"
        for row in identities
    ]
    runs = runs.with_columns(
        drugs=(30 * pl.col("share")).cast(pl.Int64),
        seconds_load=pl.Series(rng.random(n)),
        seconds_ablate=pl.Series(rng.random(n)),
        seconds_fit=pl.Series(20 * rng.random(n)),
        seconds_predict=pl.Series(rng.random(n)),
        peak_memory_mb=pl.Series(400 + 100 * rng.random(n)),
        parameters=pl.lit(12345, pl.Int64),
        epochs=pl.lit(20, pl.Int64),
        threads=pl.lit(1, pl.Int64),
        chosen=pl.lit(json.dumps({"attention": "fused"})),
        notes=pl.Series(moved),
    )
    schemas.write(runs.select(list(schemas.Runs.to_schema().columns)), schemas.Runs, path)
