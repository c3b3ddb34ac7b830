"""Train one model on one fold of one split, under one ablation, and predict the test part."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from perturbkg import plugins, schemas
from perturbkg.errors import InputError
from perturbkg.graph.arrays import shared_beside
from perturbkg.io.files import write_json
from perturbkg.io.matrices import write_matrix
from perturbkg.io.scripting import reporting
from perturbkg.load import load_data, load_parts
from perturbkg.provenance import checksums, versions
from perturbkg.training.diverged import DivergedError
from perturbkg.training.record import Clock, ablation_generator, numeric_threads, peak_memory_mb

HISTORY = {"member": pl.Int64, "epoch": pl.Int64, "loss": pl.Float64, "validation": pl.Float64}


def main(
    *,
    signatures: str | Path,
    fold: str | Path,
    drugs: str | Path,
    targets: str | Path,
    cells: str | Path,
    baseline: str | Path,
    graph: str | Path,
    graph_nodes: str | Path,
    features: Sequence[str | Path],
    fusion: str,
    model: str,
    options: Mapping[str, Any],
    ablation: str,
    ablation_options: Mapping[str, Any],
    seed: int,
    threads: int,
    identity: Mapping[str, Any],
    shared: Path,
    prediction: str | Path,
    history: str | Path,
    run: str | Path,
) -> None:
    """Write prediction, history and run.json; the model saves itself in the folder of the prediction."""
    tables = {"drugs": drugs, "targets": targets, "cells": cells, "baseline": baseline}
    tables |= {"graph": graph, "graph_nodes": graph_nodes}
    made = plugins.create("models", model, dict(options), seed=seed)
    taken_away = plugins.create("ablations", ablation, dict(ablation_options))
    clock = Clock()
    kept = Path(prediction).parent / "diverged"
    with numeric_threads(threads):
        with clock.step("load"):
            data = load_data(features=features, fusion=fusion, walks=shared / "walks", **tables)
            parts = load_parts(signatures, fold, data)
        with clock.step("ablate"):
            ablated = taken_away.apply(data, ablation_generator(seed, ablation))
        with clock.step("fit"):
            try:
                epochs = made.fit(ablated.data, parts.train, parts.validation)
            except DivergedError as error:
                raise InputError(error.kept_in(kept, parts.train_names)) from error
        with clock.step("predict"):
            predicted = made.predict(ablated.data, parts.test)
            std = made.predict_std(ablated.data, parts.test)
    made.save(Path(prediction).parent)
    shutil.rmtree(kept, ignore_errors=True)  # of an earlier run that failed
    schemas.write(pl.DataFrame(epochs, schema=HISTORY), schemas.History, history)
    labels = parts.test_labels if std is None else parts.test_labels.with_columns(std=pl.Series(std))
    write_matrix(predicted, labels, parts.var, prediction)
    of_model = plugins.settings("models", model, options)
    learned_from = {*parts.train.drug, *(parts.validation.drug if of_model.get("refit") else ())}
    inputs = [Path(path) for path in (signatures, fold, *tables.values(), *features)]
    write_json(
        {
            "identity": dict(identity),
            "options": {
                "model": of_model,
                "ablation": plugins.settings("ablations", ablation, ablation_options),
            },
            "ablation": {"name": ablation, "notes": ablated.notes},
            "seconds": clock.seconds,
            "peak_memory_mb": peak_memory_mb(),
            "chosen": made.chosen,
            "drugs": len(learned_from),
            "parameters": made.parameters,
            "epochs": len(epochs),
            "threads": threads,
            "versions": versions(),
            "inputs": checksums(inputs, kept=shared / "digests"),
        },
        run,
    )


if "snakemake" in globals():
    with reporting(snakemake.log[0], "train_model"):
        main(
            **dict(snakemake.input.items()),
            fusion=snakemake.params.fusion,
            model=snakemake.params.model,
            options=snakemake.params.options,
            ablation=snakemake.params.ablation,
            ablation_options=snakemake.params.ablation_options,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            identity=snakemake.params.identity,
            shared=shared_beside(snakemake.input.graph),
            prediction=snakemake.output.prediction,
            history=snakemake.output.history,
            run=snakemake.output.run,
        )
