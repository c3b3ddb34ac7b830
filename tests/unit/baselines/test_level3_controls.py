"""Baselines from vehicle wells: by hand, and separate from the wells that targets are compared with."""

import gzip
from pathlib import Path
from shutil import copy

import h5py
import numpy as np
import polars as pl
import pytest

from perturbkg import schemas
from perturbkg.baselines._join import join_baseline
from perturbkg.baselines.level3_controls import Level3Controls
from perturbkg.baselines.table import Table
from perturbkg.errors import InputError
from perturbkg.signatures import Genes
from perturbkg.signatures._wells import BASELINE, TARGET, vehicle_wells
from perturbkg.signatures.lincs2020 import LINCS2020
from perturbkg.simulation.writers import write_gctx

GENES = Genes(["1", "2"], ["A", "B"])
# plate, well, cell line, kind, value of gene 1; gene 2 is its negative.
WELLS = [
    ("P1", "A01", "MCF7", "ctl_vehicle", 1.0),
    ("P1", "A02", "MCF7", "ctl_vehicle", 50.0),  # for targets
    ("P1", "A03", "MCF7", "ctl_vehicle", 2.0),
    ("P1", "A04", "MCF7", "ctl_vehicle", 60.0),  # for targets
    ("P2", "A01", "MCF7", "ctl_vehicle", 6.0),
    ("P2", "A02", "MCF7", "ctl_untrt", 99.0),
    ("P3", "A01", "5637", "ctl_vehicle", 4.0),
    ("P4", "B01", "MCF7", "trt_cp", 99.0),
]


def write(folder: Path, wells=WELLS, extra="") -> dict[str, Path]:
    files = {"instinfo": folder / "instinfo.txt", "level3_ctl": folder / "ctl.gctx"}
    lines = ["sample_id\tdet_plate\tpert_type\tcell_iname\tcount_mean"]
    lines += [f"{plate}:{place}\t{plate}\t{kind}\t{cell}\t40" for plate, place, cell, kind, _ in wells]
    files["instinfo"].write_text("\n".join([*lines, extra]) + "\n")
    controls = [well for well in reversed(wells) if well[3].startswith("ctl")]
    matrix = np.array([[-well[4], well[4]] for well in controls])
    write_gctx(matrix, [f"{well[0]}:{well[1]}" for well in controls], ["2", "1"], files["level3_ctl"])
    return files


def test_baselines_by_hand(tmp_path):
    made = Level3Controls().read(write(tmp_path), GENES)
    assert made.cells.rows() == [(None, "5637"), (None, "MCF7")]
    np.testing.assert_allclose(made.values, [[4, -4], [3, -3]])  # MCF7: 1, 2 and 6
    assert made.values.dtype == np.float32
    assert made.counts.select("what", "reason", "count").rows() == [
        ("vehicle wells", "read", 6),
        ("vehicle wells", "repeated row", 0),
        ("vehicle wells", "no plate or cell line", 0),
        ("vehicle wells", "qc_pass is 0", 0),
        ("vehicle wells", "not in the matrix", 0),
        ("vehicle wells", "kept for baselines", 4),
        ("vehicle wells", "kept for targets", 2),
        ("vehicle wells of a baseline", "5637", 1),
        ("vehicle wells of a baseline", "MCF7", 3),
    ]
    schemas.check(made.counts, schemas.Counts, "test")


def test_a_value_that_is_not_finite_is_refused(tmp_path):
    wells = [
        *WELLS[:-1],
        ("P3", "A02", "5637", "ctl_vehicle", 1.0),
        ("P3", "A03", "5637", "ctl_vehicle", np.nan),
    ]
    with pytest.raises(InputError, match=r"ctl\.gctx: .*'P3:A03'.*nan"):
        Level3Controls().read(write(tmp_path, wells), GENES)


def test_a_well_table_may_be_gzipped_and_must_be_complete(tmp_path):
    files = write(tmp_path)
    plain = Level3Controls().read(files, GENES)
    packed = gzip.compress(files["instinfo"].read_bytes(), mtime=0)
    files["instinfo"].write_bytes(packed)
    np.testing.assert_array_equal(Level3Controls().read(files, GENES).values, plain.values)
    files["instinfo"].write_bytes(packed[:-12])
    with pytest.raises(InputError) as caught:
        Level3Controls().read(files, GENES)
    assert "instinfo.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_the_worlds_wells_give_its_baselines(raw_world):
    source = LINCS2020()
    genes = source.genes(raw_world)
    made, table = (plug_in().read(raw_world, genes) for plug_in in (Level3Controls, Table))
    assert made.cells["cell"].to_list() == sorted(table.cells["cell"])
    expected = table.values[table.cells["cell"].arg_sort().to_numpy()]
    # Plates shift a gene by 0.25, and each cell line has at least one plate.
    assert np.sqrt(np.mean((made.values - expected) ** 2)) < 0.35
    lines = join_baseline(source.cell_lines(raw_world), made)
    assert lines.exclusions.select("item", "reason").rows() == [("XC.S01", "no baseline")]
    wells = lines.counts.filter(what="vehicle wells of a baseline")
    assert wells["reason"].to_list() == made.cells["cell"].to_list()
    assert wells["count"].min() >= 6


@pytest.mark.parametrize(("half", "in_baselines", "in_deltas"), [(BASELINE, 1, 0), (TARGET, 0, -1)])
def test_no_well_is_in_baselines_and_in_deltas(raw_world, tmp_path, half, in_baselines, in_deltas):
    """Shift the wells of one half: either the baselines change, or the deltas."""
    halves, _ = vehicle_wells(raw_world["instinfo"], raw_world["level3_ctl"])
    moved = {**raw_world, "level3_ctl": Path(copy(raw_world["level3_ctl"], tmp_path))}
    with h5py.File(moved["level3_ctl"], "r+") as file:
        ids = pl.Series(file["0/META/COL/id"].asstr()[:])
        shifted = ids.is_in(halves.filter(half=half)["sample"].implode()).to_numpy()
        file["0/DATA/0/matrix"][...] += shifted[:, None]
    source = LINCS2020()
    genes = source.genes(raw_world)
    chosen = source.measured(raw_world, source.select(raw_world, {}).selection, "level3").selection
    baselines = [Level3Controls().read(files, genes).values for files in (raw_world, moved)]
    np.testing.assert_allclose(baselines[1] - baselines[0], in_baselines, atol=1e-5)
    ((_, delta),), ((_, after),) = (source.profiles(f, chosen, genes, "level3") for f in (raw_world, moved))
    np.testing.assert_allclose(after - delta, in_deltas, atol=1e-5)
