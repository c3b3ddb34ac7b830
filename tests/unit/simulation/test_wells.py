"""Wells: laid out on plates as LINCS does, listed by their signatures, and what Level 5 averages."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.wells import TREATED, lay_out
from perturbkg.simulation.world import World, simulate


@pytest.fixture(scope="module")
def world(tiny_options: SimulationOptions) -> World:
    return simulate(tiny_options, np.random.default_rng(3))


def named(world: World) -> pl.DataFrame:
    """Return sig_id and sample_id of every well that siginfo lists, with the columns of both tables."""
    wells = world.tables["siginfo"].with_columns(sample_id=pl.col("distil_ids").str.split("|"))
    return wells.explode("sample_id").drop_nulls("sample_id").join(world.level3().instinfo, on="sample_id")


def test_signatures_list_as_many_of_their_wells_as_they_have_samples(world: World) -> None:
    wells = named(world)
    assert wells["sample_id"].is_unique().all()
    for column in ("pert_id", "cell_iname", "pert_type", "cmap_name", "pert_idose", "pert_itime"):
        assert wells[column].eq_missing(wells[f"{column}_right"]).all()
    count = wells.group_by("sig_id").agg(pl.len(), pl.col("nsample", "det_plate").unique())
    assert (count["len"] == count["nsample"].list.first()).all()
    treated = count.filter(~pl.col("sig_id").str.contains("DMSO"))
    assert set(treated["sig_id"]) == set(world.profile_signatures)
    assert (treated["det_plate"].list.len() == treated["len"]).all()  # one replicate on each plate
    vehicles = count.filter(pl.col("sig_id").str.contains("DMSO"))
    assert vehicles["len"].to_list() == [16] * 3


def test_every_plate_has_controls_except_in_the_cell_line_without_a_baseline(world: World) -> None:
    wells = world.level3().instinfo
    assert wells["sample_id"].is_unique().all()
    assert wells["det_well"].str.contains("^[A-P](0[1-9]|1[0-9]|2[0-4])$").all()
    plates = wells.group_by("cell_iname", "det_plate").agg(
        vehicles=(pl.col("pert_type") == "ctl_vehicle").sum(),
        untreated=(pl.col("pert_type") == "ctl_untrt").sum(),
    )
    without = plates["cell_iname"] == "XC.S01"
    assert without.any()
    assert set(plates.filter(without)["vehicles"]) == {0}
    assert set(plates.filter(~without).select("vehicles", "untreated").rows()) == {(16, 1)}
    assert set(plates["cell_iname"]) == set(world.tables["cellinfo"]["cell_iname"])


def test_a_full_plate_is_followed_by_another() -> None:
    n = len(TREATED) + 1
    design = pl.DataFrame(
        {
            "sig_id": [f"s{i:03d}" for i in range(n)],
            "plate": "SIM001",
            "cell_iname": "A",
            "time": 24.0,
            "replicates": 1,
        }
    )
    wells = lay_out(design, [], "none").filter(pl.col("pert_type") == "trt_cp")
    assert wells["sample_id"].is_unique().all()
    assert wells["det_plate"].to_list() == ["SIM001_A_24H_X1_B1"] * (n - 1) + ["SIM001_A_24H_X1_B2"]
    assert wells["det_well"].to_list() == [*TREATED, TREATED[0]]
    assert len(TREATED) == 384 - 16 - 1


def test_matrices_hold_all_but_a_few_treated_and_control_wells(world: World) -> None:
    made = world.level3()
    kinds = dict(made.instinfo.select("sample_id", "pert_type").iter_rows())
    for samples, matrix, expected in (
        (made.treated_samples, made.treated, {"trt_cp"}),
        (made.control_samples, made.controls, {"ctl_vehicle", "ctl_untrt"}),
    ):
        assert {kinds[sample] for sample in samples} == expected
        assert matrix.shape == (len(samples), len(world.profile_genes))
        assert matrix.dtype == np.float32
        assert np.isfinite(matrix).all() and matrix.min() >= 0 and matrix.max() <= 15
        listed = sum(kind in expected for kind in kinds.values())
        assert 0.9 * listed < len(samples) < listed
    failed = world.tables["siginfo"].filter(qc_pass=0)["sig_id"]
    wells = named(world)
    assert wells.filter(pl.col("sig_id").is_in(failed.implode()))["qc_pass_right"].sum() == 0
    assert 0 < (wells.filter(qc_pass=1)["qc_pass_right"] == 0).mean() < 0.1


def test_two_calls_return_the_same_wells(world: World) -> None:
    first, again = world.level3(), world.level3()
    assert first.instinfo.equals(again.instinfo)
    np.testing.assert_array_equal(first.treated, again.treated)
    np.testing.assert_array_equal(first.controls, again.controls)


def test_without_noise_wells_differ_from_their_plates_controls_by_the_signature(
    tiny_options: SimulationOptions,
) -> None:
    quiet = simulate(replace(tiny_options, noise=0.0), np.random.default_rng(3))
    made = quiet.level3()
    plate = {sample: sample.split(":")[0] for sample in (*made.treated_samples, *made.control_samples)}
    kinds = dict(made.instinfo.select("sample_id", "pert_type").iter_rows())
    vehicle = {
        plate[sample]: profile
        for sample, profile in zip(made.control_samples, made.controls, strict=True)
        if kinds[sample] == "ctl_vehicle"
    }
    signature = dict(named(quiet).select("sample_id", "sig_id").iter_rows())
    z = dict(zip(quiet.profile_signatures, quiet.profiles, strict=True))
    landmark = np.isin(
        quiet.profile_genes,
        quiet.tables["geneinfo"].filter(feature_space="landmark")["gene_id"].cast(pl.String).to_list(),
    )
    ratios = []
    for sample, profile in zip(made.treated_samples, made.treated, strict=True):
        if plate[sample] not in vehicle:
            assert "XC.S01" in sample
            continue
        control, level5 = vehicle[plate[sample]], z[signature[sample]]
        inside = landmark & (profile > 0) & (profile < 15) & (control > 0) & (control < 15)
        clear = inside & (np.abs(level5) > 1)
        ratios.append(np.where(clear, (profile - control) / np.where(clear, level5, 1), np.nan))
    # One scale for each gene, the same in all wells and plates.
    ratio = np.array(ratios)[:, np.isfinite(ratios).any(axis=0)]
    assert ratio.shape[1] > 900
    scale = np.nanmedian(ratio, axis=0)
    assert 0.3 < scale.min() < scale.max() < 0.7
    assert np.nanmax(np.abs(ratio - scale)) < 1e-3
