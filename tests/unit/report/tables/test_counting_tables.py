"""Tables that count and summarise, by hand."""

import json
from types import SimpleNamespace

import polars as pl
from reports import choices_of

from perturbkg.io.tallies import counted
from perturbkg.report import registry


def make_table(name: str, **results: object) -> pl.DataFrame:
    return registry.load("tables", name).make(SimpleNamespace(**results))


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
    found = make_table("undefined", scores=table).select("model", "reason", "undefined", "scores").rows()
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
        "chosen": "{}",
        "notes": "{}",
    }
    return pl.DataFrame(table | columns)


def test_resources_are_the_median_of_a_run_the_total_and_the_peak():
    row = make_table("resources", runs=runs()).row(0, named=True)
    assert (row["runs"], row["seconds_fit"], row["seconds_load"]) == (3, 26.0, 2.0)
    assert row["seconds_total"] == 69.0 + 6.0
    assert row["peak_memory_mb"] == 500.0


def test_numbers_in_the_notes_are_summarised_by_their_dotted_name():
    notes = [
        json.dumps({"moved": {"all": share}, "ok": True, "why": "x", "none": None})
        for share in (0.9, 0.8, 1.0)
    ]
    found = make_table("notes", runs=runs(notes=notes))
    assert found.rows() == [("gat", "none", "moved.all", 3, 0.8, 0.9, 1.0)]
    (grid,) = registry.load("tables", "notes").lay_out(found, choices_of())
    assert [cell.text for cell in grid.rows[0]] == ["gat", "none", "moved.all", "3", "0.800", "0.900", "1"]


def test_choices_are_counted_by_what_was_chosen():
    chosen = [json.dumps(value) for value in ({"penalty": "3", "refit": "all"}, {"penalty": "3"}, {})]
    found = make_table("chosen", runs=runs(chosen=chosen))
    assert found.rows() == [("gat", "none", "penalty", "3", 2), ("gat", "none", "refit", "all", 1)]


def test_matches_are_counted_by_way():
    found = pl.DataFrame(
        {"drug": ["a", "b", "c"], "kg_node": ["n", "n", None], "match": ["name", "name", "none"]}
    )
    assert make_table("matches", matches=found).rows() == [("name", 2, 1), ("none", 1, 0)]


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
        counted(
            "embed_nodes",
            "pathway text by hashed_text",
            [("read", 0), ("kept", 0), ("the graph has no node of this type", 0)],
        ),
    ]
    assert make_table("coverage", counts=pl.concat(counts)).rows() == [
        ("gene/protein", "none", 4, 0, "none", None),
        ("own kind", "smiles", 5, 2, None, None),
        ("own kind", "text", 5, 5, "biobert", 1),
        ("own kind", "text", 5, 5, "hashed_text", None),
        ("pathway", "text", 0, 0, "hashed_text", None),
    ]


def test_leakage_has_a_row_per_fold():
    manifest = {
        "signatures": {"train": 70, "validation": 10, "test": 20, "left_out": 1},
        "parents": {"test": 12},
        **{f"{kind}s_shared": at for at, kind in enumerate(("parent", "scaffold", "cell"))},
        "test_drugs": {"with_target": 7, "similarity_quantiles": {"0.5": 0.25, "1.0": 0.875}},
    }
    found = make_table("leakage", folds=[{"split": "scaffold", "fold": 3}], manifests=[manifest])
    assert found.rows() == [("scaffold", 3, 70, 10, 20, 1, 12, 0, 1, 2, 7, 0.25, 0.875)]
    (grid,) = registry.load("tables", "leakage").lay_out(found, choices_of())
    assert [cell.text for cell in grid.rows[0]][-3:] == ["7", "0.25", "0.88"]


def test_metrics_are_defined_in_words():
    matrices = [SimpleNamespace(metric=name) for name in ("rmse", "dispersion", "pearson")]
    found = make_table("metrics", matrices=matrices)
    assert found["metric"].to_list() == ["dispersion", "pearson", "rmse"]
    (grid,) = registry.load("tables", "metrics").lay_out(found, choices_of())
    dispersion, pearson, rmse = ([cell.text for cell in row] for row in grid.rows)
    assert dispersion[2:5] == ["0 to ∞", "near 1", "see formula"]
    assert pearson[2:5] == ["−1 to 1", "higher", "0"]
    assert rmse[2:] == ["0 to ∞", "lower", "see formula", ""]
