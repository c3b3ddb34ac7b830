"""Tables of the report: their columns, how they are read back, and those that only count or sum up."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from perturbkg.errors import InputError
from perturbkg.report.catalogue import TABLES

INTERVAL = {
    "mean": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "parents": pl.Int64,
    "signatures": pl.Int64,
}
DIFFERENCE = {
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "better": pl.String,  # which of the two is better at q < 0.05, or "neither"
    "paired_parents": pl.Int64,
    "paired_signatures": pl.Int64,
}

# Table -> its columns, named here and nowhere else.
COLUMNS: dict[str, dict[str, type[pl.DataType]]] = {
    "main": {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "kind": pl.String,  # reference, control or model
        **INTERVAL,
        "undefined": pl.Int64,  # test signatures without a value in any seed
        "folds": pl.Int64,
        "seeds": pl.Int64,
        "best": pl.Boolean,
        "q_best": pl.Float64,  # of the paired test against the best; null for metrics outside the headline
    },
    "comparisons": {
        "split": pl.String,
        "metric": pl.String,
        "reference": pl.String,
        "other": pl.String,
        **DIFFERENCE,
    },
    "ablations": {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        **INTERVAL,
        **DIFFERENCE,
    },
    "notes": {
        "model": pl.String,
        "ablation": pl.String,
        "note": pl.String,
        "runs": pl.Int64,
        "minimum": pl.Float64,
        "median": pl.Float64,
        "maximum": pl.Float64,
    },
    "strata": {
        "split": pl.String,
        "metric": pl.String,
        "stratum": pl.String,
        "order": pl.Int64,  # of the levels of a stratum
        "level": pl.String,
        "model": pl.String,
        **INTERVAL,
    },
    "folds": {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        "fold": pl.Int64,
        "seed": pl.Int64,
        "mean": pl.Float64,
        "parents": pl.Int64,
        "signatures": pl.Int64,
    },
    "undefined": {
        "split": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "ablation": pl.String,
        "reason": pl.String,
        "undefined": pl.Int64,
        "scores": pl.Int64,
    },
    "resources": {
        "model": pl.String,
        "ablation": pl.String,
        "runs": pl.Int64,
        "parameters": pl.Int64,
        "epochs": pl.Float64,
        "seconds_load": pl.Float64,
        "seconds_ablate": pl.Float64,
        "seconds_fit": pl.Float64,
        "seconds_predict": pl.Float64,
        "seconds_total": pl.Float64,
        "peak_memory_mb": pl.Float64,
        "threads": pl.Int64,
    },
    "counts": {"stage": pl.String, "what": pl.String, "reason": pl.String, "count": pl.Int64},
    "coverage": {
        "type": pl.String,
        "modality": pl.String,
        "nodes": pl.Int64,
        "present": pl.Int64,  # nodes with something to encode
        "encoder": pl.String,  # null where none reads it
        "cut": pl.Int64,  # of the present ones; null for an encoder that cuts nothing
    },
    "matches": {"match": pl.String, "drugs": pl.Int64, "kg_nodes": pl.Int64},
    "exclusions": {
        "stage": pl.String,
        "what": pl.String,
        "item": pl.String,
        "row": pl.Int64,
        "reason": pl.String,
    },
}


def conform(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with exactly the columns of the table, in order."""
    return frame.select(pl.col(column).cast(kind) for column, kind in COLUMNS[name].items())


def undefined(scores: pl.DataFrame) -> pl.DataFrame:
    """Count the undefined scores by metric, model and reason, beside how many scores there are."""
    key = ["split", "metric", "model", "ablation"]
    everything = scores.group_by(key).agg(scores=pl.len())
    nulls = scores.filter(pl.col("value").is_null()).group_by(*key, "reason").agg(undefined=pl.len())
    found = conform("undefined", nulls.join(everything, on=key))
    return found.with_columns(pl.col("reason").fill_null("no reason given")).sort(*key, "reason")


def resources(runs: pl.DataFrame) -> pl.DataFrame:
    """Summarise seconds (median of a run, total of all) and peak memory for each model and ablation."""
    seconds = ["seconds_load", "seconds_ablate", "seconds_fit", "seconds_predict"]
    found = runs.group_by("model", "ablation").agg(
        pl.len().alias("runs"),
        pl.col("parameters").max(),
        pl.col("epochs").median(),
        pl.col(seconds).median(),
        pl.sum_horizontal(seconds).sum().alias("seconds_total"),
        pl.col("peak_memory_mb").max(),
        pl.col("threads").max(),
    )
    return conform("resources", found).sort("model", "ablation")


def notes(runs: pl.DataFrame) -> pl.DataFrame:
    """Summarise the numbers among the notes that runs recorded, nested ones by a dotted name."""
    rows = [
        {"model": run["model"], "ablation": run["ablation"], "note": name, "value": value}
        for run in runs.select("model", "ablation", "notes").iter_rows(named=True)
        for name, value in _numbers(json.loads(run["notes"] or "{}"))
    ]
    values = pl.DataFrame(
        rows, schema={"model": pl.String, "ablation": pl.String, "note": pl.String, "value": pl.Float64}
    )
    found = values.group_by("model", "ablation", "note").agg(
        runs=pl.len(),
        minimum=pl.col("value").min(),
        median=pl.col("value").median(),
        maximum=pl.col("value").max(),
    )
    return conform("notes", found).sort("model", "ablation", "note")


def _numbers(value: object, name: str = "") -> Iterable[tuple[str, float]]:
    """Yield the dotted name and value of every number in nested dicts."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _numbers(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, float(value)


def coverage(counts: pl.DataFrame) -> pl.DataFrame:
    """Lay out what schemas.Counts says of nodes: by type and modality those that have it, and who reads it.

    A modality that no node of a type has is left out, unless an encoder is named for it.
    """
    embedded, known = pl.col("stage") == "embed_nodes", pl.col("reason").is_in(["present", "absent"])
    cut, count = pl.col("reason").str.contains(": cut at "), pl.col("count")
    lines = (
        counts.filter(embedded | (pl.col("stage") == "collect_node_inputs") & known)
        # "<type> <modality>", and of embed_nodes " by <encoder>"; a type may have spaces.
        .with_columns(
            pl.col("what").str.extract_groups(r"^(?<type>.+?) (?<modality>\w+)(?: by (?<encoder>\w+))?$")
        )
        .unnest("what")
        .group_by("type", "modality", "encoder")
        .agg(
            nodes=count.filter(known | (pl.col("reason") == "read")).sum(),
            present=count.filter(pl.col("reason").is_in(["present", "kept"])).sum(),
            cut=pl.when(cut.any()).then(count.filter(cut).sum()),
        )
    )
    read = lines.drop_nulls("encoder")
    unread = lines.filter(pl.col("encoder").is_null()).join(read, on=["type", "modality"], how="anti")
    return conform("coverage", pl.concat([read, unread])).sort("type", "modality", "encoder")


def matches(found: pl.DataFrame) -> pl.DataFrame:
    """Count the ways in which drugs (schemas.Matches) were found in the knowledge graph."""
    ways = found.group_by("match").agg(drugs=pl.len(), kg_nodes=pl.col("kg_node").drop_nulls().n_unique())
    return conform("matches", ways).sort("drugs", "match", descending=[True, False])


def label_folds(tables: Sequence[pl.DataFrame], folds: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Put the tables of single folds together, each after its `split` and `fold`."""
    return pl.concat(
        table.select(
            pl.lit(fold["split"]).alias("split"), pl.lit(fold["fold"], pl.Int64).alias("fold"), pl.all()
        )
        for table, fold in zip(tables, folds, strict=True)
    )


def read_table(name: str, path: str) -> pl.DataFrame:
    """Read a table that `formats.write_table` wrote as CSV."""
    if name not in TABLES:
        raise InputError(f"{path}: no table is called {name!r}; known are {', '.join(TABLES)}")
    return pl.read_csv(path, schema=COLUMNS[name])
