"""Writers: formats that the field's own readers accept, and equal bytes for equal worlds."""

import gzip
import importlib.util
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from cmapPy.pandasGEXpress.parse import parse

from perturbkg import schemas
from perturbkg.io.files import read_json, sha256
from perturbkg.simulation.options import SimulationOptions
from perturbkg.simulation.world import simulate
from perturbkg.simulation.writers import write_text_table, write_world

SEED = 3  # of raw_world
SCRIPT = Path(__file__).parents[3] / "scripts" / "simulate_world.py"


def test_equal_options_and_seed_give_equal_bytes(
    raw_world: dict[str, Path], tiny_options: SimulationOptions, tmp_path: Path
) -> None:
    again = {key: tmp_path / path.name for key, path in raw_world.items()}
    write_world(simulate(tiny_options, np.random.default_rng(SEED)), again)
    for key, path in raw_world.items():
        assert sha256(path) == sha256(again[key]), key
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in raw_world.values()
    )


def test_cmappy_reads_the_gctx(raw_world: dict[str, Path], tiny_options: SimulationOptions) -> None:
    world = simulate(tiny_options, np.random.default_rng(SEED))
    read = parse(str(raw_world["gctx"]))
    assert read.data_df.index.tolist() == world.profile_genes
    assert read.data_df.columns.tolist() == world.profile_signatures
    np.testing.assert_array_equal(read.data_df.to_numpy(), world.profiles.T)


def test_the_gctx_has_the_layout_of_the_real_one(raw_world: dict[str, Path]) -> None:
    with h5py.File(raw_world["gctx"]) as file:
        found: dict[str, tuple] = {}
        file.visititems(lambda name, item: found.update({name: getattr(item, "shape", ())}))
        assert file.attrs["version"] == b"GCTX1.0"
        matrix = file["0/DATA/0/matrix"]
        assert (matrix.dtype, matrix.compression) == (np.float32, "gzip")
        assert file["0/META/ROW/id"].dtype.kind == file["0/META/COL/id"].dtype.kind == "S"
    signatures, genes = found["0/DATA/0/matrix"]
    assert genes == 998
    assert found["0/META/ROW/id"] == (genes,)
    assert found["0/META/COL/id"] == (signatures,)


def test_truth_meets_its_schema(raw_world: dict[str, Path]) -> None:
    table = schemas.read(raw_world["truth_edges"], schemas.TruthEdges)
    truth = read_json(raw_world["truth"])
    assert truth["planted"]["paths"] == table.height
    assert truth["planted"]["drugs"] == table["drug"].n_unique() == truth["options"]["drugs"] == 24
    assert (truth["seed"], truth["kg_signal"]) == (SEED, 0.7)


def test_text_tables_quote_only_what_needs_it_and_compress_without_a_time(tmp_path: Path) -> None:
    table = pl.DataFrame({"id": ["1", "2"], "name": ['a "b", c', None]})
    write_text_table(table, tmp_path / "t.csv", ",")
    write_text_table(table, tmp_path / "t.csv.gz", ",")
    text = 'id,name\n1,"a ""b"", c"\n2,\n'
    assert (tmp_path / "t.csv").read_text() == text
    packed = (tmp_path / "t.csv.gz").read_bytes()
    assert gzip.decompress(packed).decode() == text
    assert packed[3:8] == b"\0\0\0\0\0"  # no name, no time


def test_a_missing_path_is_reported_before_anything_is_written(
    tiny_options: SimulationOptions, tmp_path: Path
) -> None:
    world = simulate(tiny_options, np.random.default_rng(SEED))
    with pytest.raises(KeyError, match="no path for baseline, cellinfo, compoundinfo"):
        write_world(world, {"kg": tmp_path / "kg.csv"})
    assert list(tmp_path.iterdir()) == []


def test_the_script_writes_what_the_library_makes(
    raw_world: dict[str, Path], tiny_options: SimulationOptions, tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("simulate_world", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs = {key: tmp_path / path.name for key, path in raw_world.items()}
    module.main(options=read_json(raw_world["truth"])["options"], seed=SEED, **outputs)
    assert sha256(outputs["gctx"]) == sha256(raw_world["gctx"])
