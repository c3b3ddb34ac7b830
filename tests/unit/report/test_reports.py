"""The tables as the script writes them: the same bytes each time, and the same rows when read back."""

import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reports import TABLES, make_tables

from perturbkg import schemas
from perturbkg.report import registry
from perturbkg.report.export import read_layout


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_unchanged_after_writing_and_reading_csv(tables, name):
    table = registry.load("tables", name)
    frame = table.read(tables[name])
    assert dict(frame.schema) == dict(table.columns)
    assert frame.write_csv() == tables[name].read_text()


def test_text_that_looks_like_a_number_stays_text(raw_results, tables):
    exclusions = registry.load("tables", "exclusions").read(tables["exclusions"])
    assert_frame_equal(exclusions, schemas.read(raw_results["exclusions"][0], schemas.Exclusions))
    assert exclusions["item"][1] == "007"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_as_wide_as_its_columns(tables, name):
    title, note, grids = read_layout(tables[name].with_suffix(".json"))
    assert title
    assert note
    for grid in grids:
        assert {len(row) for row in grid.rows} == {len(grid.columns)}


def test_two_runs_write_the_same_bytes(raw_results, tables, tmp_path):
    again = make_tables(raw_results, tmp_path)
    for name in TABLES:
        for suffix in (".csv", ".md", ".tex", ".json"):
            one, two = (path.with_suffix(suffix).read_bytes() for path in (tables[name], again[name]))
            assert one == two, f"{name}{suffix}"
    verdict = tables["main"].with_name("verdict.json").read_bytes()
    assert verdict == (tmp_path / "verdict.json").read_bytes()


def test_the_order_of_the_scores_does_not_matter(raw_results, tables, tmp_path):
    shuffled = schemas.read(raw_results["scores"], schemas.Scores).sample(fraction=1.0, shuffle=True, seed=3)
    schemas.write(shuffled, schemas.Scores, tmp_path / "scores.parquet")
    again = make_tables(raw_results | {"scores": tmp_path / "scores.parquet"}, tmp_path)
    for name in TABLES:
        assert tables[name].read_bytes() == again[name].read_bytes(), name


def test_the_verdict_is_that_of_the_tables(tables):
    verdict = json.loads(tables["main"].with_name("verdict.json").read_text())
    assert [found["split"] for found in verdict["splits"]] == ["random", "scaffold"]
    main = registry.load("tables", "main").read(tables["main"])
    assert main.filter(pl.col("kind") == "control")["model"].unique().sort().to_list() == [
        *("mean_per_cell", "zero")
    ]
