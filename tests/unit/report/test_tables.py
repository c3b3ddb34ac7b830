"""Tables that count and sum up, and their way to CSV and back."""

import json

import polars as pl
import pytest
from fabricated import fabricate, make_tables
from polars.testing import assert_frame_equal

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.tallies import counted
from perturbkg.report import tables as report
from perturbkg.report.catalogue import TABLES


def test_undefined_scores_are_counted_by_reason():
    table = pl.DataFrame(
        {
            "split": "random",
            "metric": "pearson",
            "model": ["zero", "zero", "zero", "gat"],
            "ablation": "none",
            "value": [None, None, 0.5, 0.1],
            "reason": ["constant", None, None, None],
        }
    )
    found = report.undefined(table).select("model", "reason", "undefined", "scores").rows()
    assert found == [("zero", "constant", 1, 3), ("zero", "no reason given", 1, 3)]


def runs(**columns):
    table = {
        "model": "gat",
        "ablation": "none",
        "seconds_load": [1.0, 3.0, 2.0],
        "seconds_ablate": 0.0,
        "seconds_fit": [10.0, 30.0, 26.0],
        "seconds_predict": 1.0,
        "peak_memory_mb": [300.0, 500.0, 400.0],
        "parameters": 7,
        "epochs": [4, 6, 5],
        "threads": 1,
        "notes": "{}",
    }
    return pl.DataFrame(table | columns)


def test_resources_are_the_median_of_a_run_the_total_and_the_peak():
    row = report.resources(runs()).row(0, named=True)
    assert (row["runs"], row["seconds_fit"], row["seconds_load"]) == (3, 26.0, 2.0)
    assert row["seconds_total"] == 69.0 + 6.0
    assert row["peak_memory_mb"] == 500.0


def test_numbers_among_the_notes_are_summed_up_by_their_dotted_name():
    notes = [
        json.dumps({"moved": {"all": share}, "ok": True, "why": "x", "none": None})
        for share in (0.9, 0.8, 1.0)
    ]
    found = report.notes(runs(notes=notes))
    assert found.rows() == [("gat", "none", "moved.all", 3, 0.8, 0.9, 1.0)]


def test_matches_are_counted_by_way():
    found = pl.DataFrame(
        {"drug": ["a", "b", "c"], "kg_node": ["n", "n", None], "match": ["name", "name", "none"]}
    )
    assert report.matches(found).rows() == [("name", 2, 1), ("none", 1, 0)]


def test_coverage_is_by_type_modality_and_encoder():
    counts = [
        counted("collect_node_inputs", "drug_text", [("read", 9), ("kept", 9)]),
        counted("collect_node_inputs", "own kind smiles", [("present", 2), ("absent", 3)]),
        counted("collect_node_inputs", "own kind text", [("present", 5), ("absent", 0)]),
        counted("select_signatures", "signatures", [("read", 7), ("kept", 7)]),
        counted(
            "embed_nodes",
            "own kind text by biobert",
            [("read", 5), ("kept", 5), ("of these: cut at 8 tokens", 1)],
        ),
        counted("embed_nodes", "own kind text by hashed_text", [("read", 5), ("kept", 5)]),
        counted(
            "embed_nodes", "gene/protein none by none", [("read", 4), ("nothing to encode", 4), ("kept", 0)]
        ),
    ]
    assert report.coverage(pl.concat(counts)).rows() == [
        ("gene/protein", "none", 4, 0, "none", None),
        ("own kind", "smiles", 5, 2, None, None),
        ("own kind", "text", 5, 5, "biobert", 1),
        ("own kind", "text", 5, 5, "hashed_text", None),
    ]


def test_every_table_comes_back_from_csv_as_it_was(made, tables):
    for name, path in tables.items():
        frame = report.read_table(name, path)
        assert dict(frame.schema) == report.COLUMNS[name], name
        assert frame.write_csv() == path.read_text(), name
    exclusions = report.read_table("exclusions", tables["exclusions"])
    assert_frame_equal(exclusions, schemas.read(made["exclusions"][0], schemas.Exclusions))
    assert exclusions["item"][1] == "007"


def test_an_unknown_table_is_told(tables):
    with pytest.raises(InputError, match="no table is called 'mian'"):
        report.read_table("mian", tables["main"])


def test_two_runs_write_the_same_bytes(made, tables, tmp_path):
    again = make_tables(made, tmp_path)
    for name in TABLES:
        for suffix in (".csv", ".md", ".tex"):
            one, two = (path.with_suffix(suffix).read_bytes() for path in (tables[name], again[name]))
            assert one == two, f"{name}{suffix}"
    verdict = tables["main"].with_name("verdict.json").read_bytes()
    assert verdict == (tmp_path / "verdict.json").read_bytes()


def test_the_order_of_the_scores_does_not_matter(made, tables, tmp_path):
    shuffled = schemas.read(made["scores"], schemas.Scores).sample(fraction=1.0, shuffle=True, seed=3)
    schemas.write(shuffled, schemas.Scores, tmp_path / "scores.parquet")
    again = make_tables(made | {"scores": tmp_path / "scores.parquet"}, tmp_path)
    for name in TABLES:
        assert tables[name].read_bytes() == again[name].read_bytes(), name


def test_a_run_with_one_model_and_no_ablation_has_empty_tables_not_an_error(tmp_path):
    made = fabricate(tmp_path, models={"mlp": 0.3}, splits=("scaffold",), metrics=("pearson",))
    tables = make_tables(made, tmp_path / "tables")
    assert report.read_table("ablations", tables["ablations"]).is_empty()
    assert "Nothing to show" in tables["comparisons"].with_suffix(".md").read_text()
    verdict = json.loads((tmp_path / "tables/verdict.json").read_text())
    assert verdict["answer"] == "scaffold: cannot be told from what was run."
