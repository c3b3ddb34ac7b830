"""Make deltas from wells: Level 3 of a signature's treated wells minus the vehicle wells of their plates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.delimited import MISSING, header, require, scanned
from perturbkg.io.tallies import counted, excluded
from perturbkg.signatures import Genes, Selected
from perturbkg.signatures._fields import members
from perturbkg.signatures._gctx import profiles, samples_of
from perturbkg.signatures._wells import (
    TARGET,
    Tally,
    add_to,
    mean_profiles,
    read_wells,
    vehicle_wells,
)

STAGE = "read_signatures"
SIGNATURES_AT_ONCE = 16_384  # whose sums are in memory


@dataclass(frozen=True)
class Wells:
    """The usable wells of some signatures and the vehicle wells to compare them with.

    A `group` is a plate and cell line, numbered from 0; a `row` is a signature by its place among those asked
    for.
    """

    treated: pl.DataFrame  # row, sample, group
    vehicles: pl.DataFrame  # sample, group
    lost: pl.DataFrame  # signature, reason: those without a usable well
    treated_tally: Tally
    vehicle_tally: Tally


def measured(files: Mapping[str, Path], selection: pl.DataFrame) -> Selected:
    """Keep the signatures that have a usable well and list the others, before any profile is read."""
    wells = _wells(files, selection["signature"])
    kept = selection.join(wells.lost, on="signature", how="anti", maintain_order="left")
    lines = [("read", len(selection)), ("no usable well", len(wells.lost)), ("kept", len(kept))]
    return Selected(
        kept,
        pl.concat(
            counted(STAGE, what, tally)
            for what, tally in {
                "level3 signatures": lines,
                "level3 treated wells": wells.treated_tally,
                "level3 vehicle wells": wells.vehicle_tally,
            }.items()
        ),
        excluded(STAGE, "level3 signatures", wells.lost.select("reason", item="signature", row=None)),
    )


def deltas(
    files: Mapping[str, Path], selection: pl.DataFrame, genes: Genes
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of (rows of `selection` (n,), deltas (n, genes) float32, log2).

    A delta is the mean, over the usable wells of a signature, of the well minus the mean of the vehicle wells
    of its plate in the half for targets. ASSUME replicates count alike, however well they agree.
    """
    wells = _wells(files, selection["signature"])
    if len(wells.lost):
        signature, reason = wells.lost.row(0)
        raise InputError(
            f"{files['instinfo']}: {len(wells.lost)} signatures have no usable well; first {signature} "
            f"({reason}); leave them out"
        )
    vehicles, treated = wells.vehicles, wells.treated
    controls = mean_profiles(files["level3_ctl"], vehicles["sample"], vehicles["group"].to_numpy(), genes)
    # Signatures of one plate are made together, as the wells of a plate are together in the file.
    order = treated.group_by("row").agg(pl.col("sample").min()).sort("sample", "row")["row"]
    for start in range(0, len(order), SIGNATURES_AT_ONCE):
        rows = order[start : start + SIGNATURES_AT_ONCE]
        part = treated.join(pl.DataFrame({"row": rows}).with_row_index("place"), on="row").sort("sample")
        place, group = part["place"].to_numpy().astype(np.int64), part["group"].to_numpy()
        sums = np.zeros((len(rows), len(genes.entrez)))
        for at, block in profiles(files["level3_trt"], part["sample"], genes):
            add_to(sums, place[at], block - controls[group[at]])
        yield rows.to_numpy().astype(np.int64), (sums / np.bincount(place)[:, None]).astype(np.float32)


def _wells(files: Mapping[str, Path], signatures: pl.Series) -> Wells:
    """Find the wells of signatures and those of their plates' vehicles."""
    vehicles, vehicle_tally = vehicle_wells(files["instinfo"], files["level3_ctl"])
    vehicles = vehicles.filter(pl.col("half") == TARGET)
    groups = vehicles.select("plate", "cell").unique().sort("plate", "cell").with_row_index("group")
    named = _named_wells(files["siginfo"], signatures)
    wells = named.join(_stated_wells(files["instinfo"], named["sample"], groups), on="sample", how="left")
    wells = wells.with_columns(
        has_profile=pl.col("sample").is_in(samples_of(files["level3_trt"]).implode()),
    )
    reasons = {
        "signature without distil_ids": pl.col("sample").is_null(),
        "not in instinfo": pl.col("qc_pass").is_null(),
        "qc_pass is 0": ~pl.col("qc_pass"),
        "not in the matrix": ~pl.col("has_profile"),
        # ASSUME two vehicle wells of a plate are enough, one for each half.
        "fewer than 2 vehicle wells on its plate": pl.col("group").is_null(),
    }
    wells = wells.select(
        "row",
        "sample",
        "group",
        reason=pl.coalesce(pl.when(lost).then(pl.lit(reason)) for reason, lost in reasons.items()),
    )
    counts = dict(wells["reason"].value_counts().rows())
    usable = wells.filter(pl.col("reason").is_null())
    # Plates without such a well need no mean.
    groups = groups.join(usable.select("group").unique(), on="group", how="semi", maintain_order="left")
    number = groups.with_row_index("number").select("group", "plate", "cell", "number")
    return Wells(
        treated=usable.join(number, on="group").select("row", "sample", group="number"),
        vehicles=vehicles.join(number, on=["plate", "cell"]).select("sample", group="number").sort("sample"),
        lost=_lost(wells.join(usable, on="row", how="anti"), signatures),
        treated_tally=[
            ("read", len(wells)),
            *((reason, counts.get(reason, 0)) for reason in reasons),
            ("kept", len(usable)),
        ],
        vehicle_tally=vehicle_tally,
    )


def _named_wells(path: Path, signatures: pl.Series) -> pl.DataFrame:
    """Return row and sample of each well that siginfo names, once per signature; sample null if none."""
    require(path, header(path), ["sig_id", "distil_ids"])
    wanted = pl.DataFrame({"sig_id": signatures}).with_row_index("row")
    samples = members(pl.col("distil_ids"))
    with scanned(path, missing=MISSING) as rows:
        named = (
            rows.select("sig_id", sample=samples)
            .join(wanted.lazy(), on="sig_id", how="right")
            .select("row", "sample")
            .explode("sample")
            .unique()
            .collect(engine="streaming")
        )
    return named.sort("row", "sample")


def _stated_wells(path: Path, samples: pl.Series, groups: pl.DataFrame) -> pl.DataFrame:
    """Return sample, qc_pass and group of the wells that instinfo describes; group is null without one."""
    wanted = pl.LazyFrame({"sample_id": samples.drop_nulls()})
    stated, _ = read_wells(path, lambda rows: rows.join(wanted, on="sample_id", how="semi"))
    return stated.join(groups, on=["plate", "cell"], how="left").select("sample", "qc_pass", "group")


def _lost(wells: pl.DataFrame, signatures: pl.Series) -> pl.DataFrame:
    """Return signature and reason: how many of its wells were lost, and why."""
    reasons = (
        wells.group_by("row", "reason")
        .len()
        .sort("row", "reason")
        .group_by("row", maintain_order=True)
        .agg(reason=pl.format("{} ({})", "reason", "len").str.join("; "))
    )
    return reasons.select(
        signature=pl.lit(signatures).gather("row"), reason=pl.format("no usable well: {}", "reason")
    ).sort("signature")
