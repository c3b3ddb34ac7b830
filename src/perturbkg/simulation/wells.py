"""The wells behind the signatures: replicates and controls laid out on plates, and their expression."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.simulation.options import LANDMARKS
from perturbkg.simulation.response import FULL_TIME
from perturbkg.simulation.tables import conditions, vehicle_signature

WELLS = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
VEHICLE = [well for well in WELLS if well.endswith("12")]
UNTREATED = ["P24"]
TREATED = [well for well in WELLS if well not in VEHICLE + UNTREATED]
BAD_WELL = 0.03  # share of the wells that fail quality control by themselves
ABSENT = 0.01  # share of the wells that instinfo names and no GCTX holds, as in the real release
PLATE_EFFECT = 0.25  # ASSUME a plate shifts each gene with this standard deviation (log2)
LOG2_PER_Z = (0.3, 0.7)  # ASSUME the standard deviations of genes over the wells of a plate (log2)
UNTREATED_SHIFT = 0.1  # ASSUME without DMSO each gene lies elsewhere, with this standard deviation (log2)
RANGE = (0.0, 15.0)  # of Level 3


@dataclass(frozen=True)
class Level3:
    """Expression (log2) of single wells, in the order of the genes of the Level 5 GCTX."""

    instinfo: pl.DataFrame
    treated: np.ndarray  # (treated wells, genes) float32
    treated_samples: list[str]
    controls: np.ndarray  # (control wells, genes) float32
    control_samples: list[str]


def lay_out(design: pl.DataFrame, only_baseline: list[str], without_controls: str) -> pl.DataFrame:
    """Return a row per well: sample_id, det_plate, det_well, pert_type, cell_iname, time, sig_id, row.

    Replicates of a signature are on different plates; treated wells come first, by the `row` of their
    signature in `design` and by replicate. Every plate has controls, but those of one cell line; cell lines
    that have nothing but a baseline have one plate of them. `sig_id` names the signature that a well is part
    of, null where none is made of it.
    """
    group = ["plate", "cell_iname", "time", "replicate"]
    place = pl.int_range(pl.len()).over(group)
    treated = (
        design.with_row_index("row")
        .select("row", "sig_id", "plate", "cell_iname", "time", replicate=pl.int_ranges("replicates"))
        .explode("replicate")
        .with_columns(
            pert_type=pl.lit("trt_cp"),
            det_plate=_plate("plate", pl.col("time"), pl.col("replicate") + 1, place // len(TREATED) + 1),
            det_well=pl.lit(pl.Series(TREATED)).gather(place % len(TREATED)),
        )
    )
    first = _plate(pl.lit("SIM001"), pl.lit(FULL_TIME), pl.lit(1), pl.lit(1))
    plates = pl.concat(
        [
            treated.filter(pl.col("cell_iname") != without_controls)
            .select("det_plate", "cell_iname", "time")
            .unique(),
            pl.DataFrame({"cell_iname": only_baseline}).select(
                first.alias("det_plate"), "cell_iname", time=pl.lit(FULL_TIME)
            ),
        ]
    ).sort("det_plate")
    kinds = {"ctl_vehicle": VEHICLE, "ctl_untrt": UNTREATED}
    places = pl.DataFrame(
        [(kind, well) for kind, wells in kinds.items() for well in wells],
        schema=["pert_type", "det_well"],
        orient="row",
    )
    of_signature = (pl.col("det_plate") == first) & (pl.col("pert_type") == "ctl_vehicle")
    controls = plates.join(places, how="cross").with_columns(
        sig_id=pl.when(of_signature).then(vehicle_signature())
    )
    columns = ["sample_id", "det_plate", "det_well", "pert_type", "cell_iname", "time", "sig_id", "row"]
    return (
        pl.concat([treated, controls], how="diagonal")
        .with_columns(sample_id=pl.format("{}:{}", "det_plate", "det_well"))
        .select(columns)
    )


def distil_ids(wells: pl.DataFrame) -> pl.DataFrame:
    """Return sig_id and distil_ids: the wells that each signature is made of."""
    return (
        wells.drop_nulls("sig_id")
        .group_by("sig_id", maintain_order=True)
        .agg(distil_ids=pl.col("sample_id").str.join("|"))
    )


def make_instinfo(wells: pl.DataFrame, design: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return instinfo_beta in no order; the wells of failed signatures fail, and a few others."""
    passed = pl.Series(rng.random(wells.height) >= BAD_WELL)
    known = design.with_row_index("row").select("row", "pert_id", "cmap_name", "dose", passes="qc_pass")
    vehicle = pl.when(pl.col("pert_type") == "ctl_vehicle").then(pl.lit("DMSO")).otherwise(pl.lit("UnTrt"))
    return (
        wells.join(known, on="row", how="left", maintain_order="left")
        .with_columns(
            passes=pl.col("passes").fill_null(True) & passed,
            pert_id=pl.col("pert_id").fill_null(vehicle),
            cmap_name=pl.col("cmap_name").fill_null(vehicle),
        )
        .select(
            bead_batch=pl.lit("b1"),
            **conditions(),
            det_plate="det_plate",
            det_well="det_well",
            pert_id="pert_id",
            sample_id="sample_id",
            pert_type="pert_type",
            cell_iname="cell_iname",
            qc_pass=pl.col("passes").cast(pl.Int64),
            failure_mode=pl.when(~pl.col("passes")).then(pl.lit("qc_iqr")),
            project_code=pl.lit("SIM"),
            cmap_name="cmap_name",
        )[rng.permutation(wells.height)]
    )


def deviations(
    wells: pl.DataFrame, replicates: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Return how far each well (wells, 978) is from the baseline of its cell line, in log2 units.

    Treated wells show their replicate's z-scores (treated wells, 978), controls noise alone, on the scale of
    the gene; all wells of a plate share its effect.
    """
    plate = wells["det_plate"].rank("dense").to_numpy().astype(np.int64) - 1
    scale = rng.uniform(*LOG2_PER_Z, LANDMARKS).astype(np.float32)
    effect = PLATE_EFFECT * rng.standard_normal((plate.max() + 1, LANDMARKS), dtype=np.float32)
    untreated = UNTREATED_SHIFT * rng.standard_normal(LANDMARKS, dtype=np.float32)
    controls = noise * rng.standard_normal((wells.height - len(replicates), LANDMARKS), dtype=np.float32)
    shown = scale * np.concatenate([replicates, controls.astype(np.float32)]) + effect[plate]
    shown[(wells["pert_type"] == "ctl_untrt").to_numpy()] += untreated
    return shown


def make_level3(
    wells: pl.DataFrame, design: pl.DataFrame, expression: np.ndarray, rng: np.random.Generator
) -> Level3:
    """Divide wells and their expression (wells, genes) into treated and controls; a few get lost."""
    instinfo = make_instinfo(wells, design, rng)
    measured = rng.random(wells.height) >= ABSENT
    treated = (wells["pert_type"] == "trt_cp").to_numpy()
    expression = np.round(np.clip(expression, *RANGE), 4)
    return Level3(
        instinfo,
        expression[measured & treated],
        wells["sample_id"].filter(measured & treated).to_list(),
        expression[measured & ~treated],
        wells["sample_id"].filter(measured & ~treated).to_list(),
    )


def _plate(batch: str | pl.Expr, time: pl.Expr, replicate: pl.Expr, bead_batch: pl.Expr) -> pl.Expr:
    """Name a plate as LINCS does: batch, cell line, time, replicate, batch of beads."""
    return pl.format("{}_{}_{}H_X{}_B{}", batch, "cell_iname", time.cast(pl.Int64), replicate, bead_batch)
