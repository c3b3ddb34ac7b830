"""Deltas from wells: by hand, by properties, from the simulated world, and refused inputs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.signatures import Genes, _level3
from perturbkg.signatures._wells import BASELINE, TARGET, add_to, halved, mean_profiles, vehicle_wells
from perturbkg.signatures.lincs2020 import LINCS2020
from perturbkg.simulation.writers import write_gctx

GENES = Genes(["1", "2"], ["A", "B"])


def well(plate, place, kind="trt_cp", cell="A375", qc_pass="1"):
    return {
        "sample_id": f"{plate}:{place}",
        "det_plate": plate,
        "det_well": place,
        "pert_type": kind,
        "cell_iname": cell,
        "qc_pass": qc_pass,
    }


@pytest.fixture
def wells():
    """Return two plates of a cell line: P1 with 3 vehicle wells, P2 with 2, and treated wells on both."""
    vehicles = [
        *(well("P1", place, "ctl_vehicle") for place in ("A01", "A02", "A03")),
        *(well("P2", place, "ctl_vehicle") for place in ("A01", "A02")),
        well("P1", "P24", "ctl_untrt"),
    ]
    return [*vehicles, *(well(plate, place) for plate in ("P1", "P2") for place in ("B01", "B02"))]


# Values of gene 1; those of gene 2 are 10 times as large.
LEVELS = {
    "P1:A01": 1.0,  # baseline
    "P1:A02": 2.0,  # target
    "P1:A03": 7.0,  # baseline
    "P2:A01": 9.0,  # baseline
    "P2:A02": 4.0,  # target
    "P1:P24": 99.0,
    "P1:B01": 5.0,  # S1: 5 - 2 = 3
    "P2:B01": 9.0,  # S1: 9 - 4 = 5, so its mean is 4
    "P1:B02": 2.5,  # S2: 0.5
    "P2:B02": 3.0,  # S2: -1, so its mean is -0.25
}
SIGNATURES = {"S1": "P1:B01|P2:B01", "S2": "P1:B02|P2:B02"}
CONTROLS = ("ctl_vehicle", "ctl_untrt")


def write(folder, wells, signatures=SIGNATURES, lacking=()):
    """Write the four files of Level 3; return file key -> path."""
    files = {
        "siginfo": folder / "siginfo.txt",
        "instinfo": folder / "instinfo.txt",
        "level3_trt": folder / "trt.gctx",
        "level3_ctl": folder / "ctl.gctx",
    }
    table = pl.DataFrame({"sig_id": list(signatures), "distil_ids": list(signatures.values())})
    for key, rows in (("siginfo", table), ("instinfo", pl.DataFrame(wells))):
        rows.write_csv(files[key], separator="\t", quote_style="never")
    for key, controls in (("level3_trt", False), ("level3_ctl", True)):
        ids = [
            row["sample_id"]
            for row in reversed(wells)
            if (row["pert_type"] in CONTROLS) == controls and row["sample_id"] not in lacking
        ]
        ids = list(dict.fromkeys(ids))
        matrix = np.array([[10 * LEVELS[i], -1, LEVELS[i]] for i in ids], np.float32).reshape(-1, 3)
        write_gctx(matrix, ids, ["2", "3", "1"], files[key])
    return files


def selection(*names):
    return pl.DataFrame({"signature": names or list(SIGNATURES)})


def deltas(files, chosen):
    made = np.full((len(chosen), len(GENES.entrez)), np.nan, np.float32)
    for rows, block in _level3.deltas(files, chosen, GENES):
        assert np.isnan(made[rows]).all()
        made[rows] = block
    return made


def reported(table, what):
    return dict(table.filter(what=what).select("reason", "count").rows())


def one_line(caught, *parts):
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


# By hand


@pytest.mark.parametrize("at_once", [1, 100])
def test_deltas_by_hand(wells, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(_level3, "SIGNATURES_AT_ONCE", at_once)
    files = write(tmp_path, wells)
    np.testing.assert_allclose(deltas(files, selection()), [[4, 40], [-0.25, -2.5]])
    np.testing.assert_allclose(deltas(files, selection("S2", "S1")), [[-0.25, -2.5], [4, 40]])
    np.testing.assert_allclose(deltas(files, selection("S2")), [[-0.25, -2.5]])


def test_a_delta_is_computed_from_the_remaining_wells(wells, tmp_path):
    wells[-4]["qc_pass"] = "0"  # P1:B01 of S1
    wells[-1]["qc_pass"] = ""  # unknown for P2:B02
    files = write(tmp_path, wells)
    found = _level3.measured(files, selection())
    assert found.selection["signature"].to_list() == ["S1", "S2"]
    assert reported(found.counts, "level3 treated wells") == {
        "read": 4,
        "signature without distil_ids": 0,
        "not in instinfo": 0,
        "qc_pass is 0": 1,
        "not in the matrix": 0,
        "fewer than 2 vehicle wells on its plate": 0,
        "kept": 3,
    }
    np.testing.assert_allclose(deltas(files, selection())[:, 0], [5, -0.25])


def test_an_unknown_well_does_not_count(wells, tmp_path):
    files = write(tmp_path, wells, {"S1": "-666|P1:B01", "S2": "-666.000000"})
    found = _level3.measured(files, selection())
    assert found.selection["signature"].to_list() == ["S1"]
    assert found.exclusions["reason"].to_list() == ["no usable well: signature without distil_ids (1)"]
    np.testing.assert_allclose(deltas(files, selection("S1"))[:, 0], [3])


def test_a_well_of_two_signatures_counts_in_both_and_once_in_each(wells, tmp_path):
    files = write(tmp_path, wells, {"S1": "P1:B01|P2:B01|P1:B01", "S2": "P1:B01"})
    np.testing.assert_allclose(deltas(files, selection())[:, 0], [4, 3])


def test_vehicles_of_another_cell_line_on_the_plate_are_not_controls(wells, tmp_path):
    wells[1]["cell_iname"] = "MCF7"  # P1:A02; now A03 is the second of A375
    files = write(tmp_path, wells)
    np.testing.assert_allclose(deltas(files, selection())[:, 0], [(5 - 7 + 9 - 4) / 2, (2.5 - 7 - 1) / 2])


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda rows: [r.update(qc_pass="0") for r in rows[-2:]], "qc_pass is 0 (1)"),
        (lambda rows: rows.remove(rows[4]), "fewer than 2 vehicle wells on its plate (1)"),
        (lambda rows: rows[4].update(qc_pass="0.0"), "fewer than 2 vehicle wells on its plate (1)"),
        (lambda rows: rows[4].update(pert_type="ctl_untrt"), "fewer than 2 vehicle wells on its plate (1)"),
        (lambda rows: rows[3].update(det_plate=None), "fewer than 2 vehicle wells on its plate (1)"),
        (lambda rows: [rows.remove(rows[-1]) for _ in range(2)], "not in instinfo (1)"),
    ],
)
def test_a_signature_without_a_usable_well_is_listed(wells, tmp_path, change, lost):
    change(wells)
    files = write(tmp_path, wells, {"S1": "P1:B01", "S2": "P2:B02"})
    found = _level3.measured(files, selection())
    assert found.selection["signature"].to_list() == ["S1"]
    assert found.exclusions.select("item", "reason").rows() == [("S2", f"no usable well: {lost}")]
    assert reported(found.counts, "level3 signatures") == {"read": 2, "no usable well": 1, "kept": 1}
    for table, schema in ((found.counts, schemas.Counts), (found.exclusions, schemas.Exclusions)):
        schemas.check(table, schema, "test")
    np.testing.assert_allclose(deltas(files, found.selection)[:, 0], [3])
    with pytest.raises(InputError) as caught:
        deltas(files, selection())
    one_line(caught, "1 signatures have no usable well; first S2 (no usable well: ", "leave them out")


def test_each_reason_is_reported_for_each_well(wells, tmp_path):
    wells[-1]["qc_pass"] = "0"
    files = write(tmp_path, wells, {"S1": "P1:B01", "S2": "P9:X|P2:B02|P1:B02", "S3": ""}, ["P1:B02"])
    found = _level3.measured(files, selection("S3", "S2", "S1"))
    assert found.selection["signature"].to_list() == ["S1"]
    assert found.exclusions.select("item", "reason").rows() == [
        ("S2", "no usable well: not in instinfo (1); not in the matrix (1); qc_pass is 0 (1)"),
        ("S3", "no usable well: signature without distil_ids (1)"),
    ]


def test_vehicle_wells_are_counted(wells, tmp_path):
    wells += [dict(wells[0]), well("P3", "A01", "ctl_vehicle")]
    wells[2]["qc_pass"] = "0"
    halves, tally = vehicle_wells(
        *(write(tmp_path, wells, lacking=["P3:A01"])[k] for k in ("instinfo", "level3_ctl"))
    )
    assert dict(tally) == {
        "read": 7,
        "repeated row": 1,
        "no plate or cell line": 0,
        "qc_pass is 0": 1,
        "not in the matrix": 1,
        "kept for baselines": 2,
        "kept for targets": 2,
    }
    assert dict(halves.select("sample", "half").rows()) == {
        "P1:A01": BASELINE,
        "P1:A02": TARGET,
        "P2:A01": BASELINE,
        "P2:A02": TARGET,
    }


# Refused


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda rows: [r.pop("det_plate") for r in rows], ["instinfo.txt: row 1: no column 'det_plate'"]),
        (lambda rows: rows[2].update(det_well="A\t1"), ["instinfo.txt: row 4: 7 fields under a header of 6"]),
        (lambda rows: rows[2].update(qc_pass="yes"), ["instinfo.txt: row 4: qc_pass is 'yes', not 1, 0 or"]),
        (
            lambda rows: rows.append({**rows[0], "cell_iname": "MCF7"}),
            ["instinfo.txt: rows 2 and 12: sample_id 'P1:A01' twice"],
        ),
        (
            lambda rows: [r.update(pert_type="ctl_vector") for r in rows[:5]],
            ["instinfo.txt: no usable well of pert_type ctl_vehicle has a profile in", "ctl.gctx"],
        ),
    ],
)
def test_bad_well_tables(wells, tmp_path, change, parts):
    change(wells)
    with pytest.raises(InputError) as caught:
        _level3.measured(write(tmp_path, wells), selection())
    one_line(caught, *parts)


def test_a_signature_table_without_wells_is_refused(wells, tmp_path):
    files = write(tmp_path, wells)
    pl.read_csv(files["siginfo"], separator="\t").drop("distil_ids").write_csv(
        files["siginfo"], separator="\t"
    )
    with pytest.raises(InputError) as caught:
        _level3.measured(files, selection())
    one_line(caught, "siginfo.txt: row 1: no column 'distil_ids'")


# Properties


@given(
    st.lists(
        st.tuples(st.sampled_from("PQR"), st.sampled_from("AB"), st.integers(0, 400)),
        unique=True,
        max_size=60,
    ),
    st.randoms(use_true_random=False),
)
def test_no_well_is_in_both_halves_and_halves_differ_by_one_at_most(rows, random):
    def table(rows):
        schema = {"plate": pl.String, "cell": pl.String, "sample": pl.String}
        return pl.DataFrame([(p, c, f"{p}:{c}:{n}") for p, c, n in rows], schema=schema, orient="row")

    halves = halved(table(rows))
    assert sorted(halves["sample"]) == sorted(table(rows)["sample"])
    assert halves["sample"].is_unique().all()
    sizes = halves.group_by("plate", "cell").agg(
        baseline=(pl.col("half") == BASELINE).sum(), target=(pl.col("half") == TARGET).sum()
    )
    larger = sizes["baseline"].cast(pl.Int64) - sizes["target"].cast(pl.Int64)
    assert set(larger) <= {0, 1}
    shuffled = random.sample(rows, len(rows))
    assert halved(table(shuffled)).equals(halves)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_sums_by_group(groups):
    groups = np.array(groups)
    block = np.random.default_rng(0).normal(size=(len(groups), 3)).astype(np.float32)
    sums = np.ones((5, 3))
    add_to(sums, groups, block)
    for group in range(5):
        np.testing.assert_allclose(
            sums[group] - 1, block[groups == group].sum(axis=0, dtype=float), atol=1e-6
        )


# The simulated world


@pytest.fixture(scope="module")
def world(raw_world: dict[str, Path]):
    """Return genes, measurable signatures, and deltas of Level 3 and Level 5 of the simulated world."""
    source = LINCS2020()
    genes = source.genes(raw_world)
    chosen = source.select(raw_world, {}).selection
    measured = source.measured(raw_world, chosen, "level3")
    both = []
    for label in ("level3", "level5"):
        made = np.full((len(measured.selection), 978), np.nan, np.float32)
        for rows, block in source.profiles(raw_world, measured.selection, genes, label):
            made[rows] = block
        both.append(made)
    return genes, measured, *both


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def test_the_world_loses_the_cell_line_whose_plates_lack_vehicles(world):
    _, measured, *_ = world
    lost = measured.exclusions
    assert lost["item"].str.contains("XC.S01").all() and len(lost) > 0
    assert set(lost["reason"].str.contains("fewer than 2 vehicle wells")) == {True}
    assert len(measured.selection) > 50
    wells = reported(measured.counts, "level3 treated wells")
    assert wells["qc_pass is 0"] > 0
    assert wells["read"] == sum(count for reason, count in wells.items() if reason != "read")


def test_level3_of_the_world_agrees_with_its_level5(world):
    *_, level3, level5 = world
    assert np.isfinite(level3).all()
    found = correlations(level3, level5)
    assert np.median(found) > 0.9
    # The correlation with another signature is the chance level.
    assert np.median(correlations(level3, np.roll(level5, len(level5) // 2, axis=0))) < 0.5


def test_shared_controls_would_inflate_the_agreement(world, raw_world):
    """The noise of control wells predicts deltas computed with these wells, but not with the others."""
    genes, measured, separate, _ = world
    treated = _level3._wells(raw_world, measured.selection["signature"]).treated
    halves, _ = vehicle_wells(raw_world["instinfo"], raw_world["level3_ctl"])
    plates = halves.select("plate", "cell").unique().sort("plate", "cell").with_row_index("number")
    means = []
    for half in (BASELINE, TARGET):
        wells = halves.filter(half=half).join(plates, on=["plate", "cell"])
        means.append(
            mean_profiles(
                raw_world["level3_ctl"], wells["sample"], wells["number"].to_numpy().astype(int), genes
            )
        )
    # The same deltas with the other half: target - baseline of the plates of each signature is added.
    of = treated.with_columns(plate=pl.col("sample").str.split(":").list.first()).join(plates, on="plate")
    row, number = (of[column].to_numpy().astype(int) for column in ("row", "number"))
    change = np.zeros((len(separate), 978))
    add_to(change, row, (means[TARGET] - means[BASELINE])[number])
    change /= np.bincount(row)[:, None]
    shared = separate + change
    assert np.abs(shared - separate).mean() > 0.01
    # A predictor that knows only how the plate's baseline half differs from the target half.
    inflation = correlations(shared, change) - correlations(separate, change)
    assert inflation.mean() > 0.1
