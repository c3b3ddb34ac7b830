"""Learning curves, by hand; and that smaller shares change nothing else of the report."""

from types import SimpleNamespace

import polars as pl
import pytest
from fabricated import fabricate
from reports import choices_of, make_tables
from score_matrices import matrix

from perturbkg import schemas
from perturbkg.report import registry
from perturbkg.report.estimates import Estimator


def runs(drugs):
    """Make the runs of `gat` on two folds, and one with an ablation, which does not count."""
    return pl.DataFrame(
        {
            "split": "scaffold",
            "model": "gat",
            "ablation": ["none", "none", "no_graph"],
            "drugs": [*drugs, 900],
        }
    )


def test_by_hand():
    table = registry.load("tables", "learning_curve")
    results = SimpleNamespace(
        by_share={
            0.5: ([matrix({("gat", "none", 1): [0.1, 0.3]})], runs([50, 52])),
            1.0: (
                [matrix({("gat", "none", 1): [0.2, 0.6], ("gat", "no_graph", 1): [0, 0]})],
                runs([99, 103]),
            ),
        },
        estimator=Estimator(200, 1),
    )
    found = table.make(results)
    assert found["share"].to_list() == [0.5, 1.0]
    assert found["drugs"].to_list() == [51, 101]
    assert found["mean"].to_list() == pytest.approx([0.2, 0.4])
    assert found["parents"].to_list() == [2, 2]
    (grid,) = table.lay_out(found, choices_of())
    assert [column.title for column in grid.columns] == ["Model", "0.5", "1"]
    assert grid.rows[0][1].text.startswith("0.200 [") and grid.rows[0][1].text.endswith("] (51)")


def test_one_share_is_no_curve():
    table = registry.load("tables", "learning_curve")
    one = {1.0: ([matrix({("gat", "none", 1): [0.1, 0.3]})], runs([50, 52]))}
    found = table.make(SimpleNamespace(by_share=one, estimator=Estimator(200, 1)))
    assert found.is_empty() and not table.lay_out(found, choices_of())


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Make the tables of results with two shares, and of the same results without the smaller one."""
    folder = tmp_path_factory.mktemp("shares")
    made = fabricate(folder, splits=("scaffold",), shares=(0.5, 1.0))
    both = make_tables(made, folder / "both")
    for name, schema in (("scores", schemas.Scores), ("runs", schemas.Runs)):
        schemas.write(schemas.read(made[name], schema).filter(share=1.0), schema, made[name])
    return both, make_tables(made, folder / "whole")


def test_every_other_table_is_of_all_training_groups_alone(shared):
    both, whole = shared
    differ = {name for name in both if both[name].read_bytes() != whole[name].read_bytes()}
    assert differ == {"learning_curve"}


def test_the_whole_share_has_the_numbers_of_the_main_results(shared):
    both, _ = shared
    curve, main = (registry.load("tables", name).read(both[name]) for name in ("learning_curve", "main"))
    key, columns = ["split", "metric", "model"], ["mean", "low", "high", "parents", "signatures"]
    joined = curve.filter(share=1.0).join(main, on=key, suffix="_main")
    assert joined.height == curve.height / 2 > 0
    for column in columns:
        assert joined[column].equals(joined[f"{column}_main"].rename(column)), column
    gat = curve.filter(model="gat", metric="pearson").sort("share")
    assert gat["mean"][0] < gat["mean"][1]  # 0.03 for each doubling
    assert gat["drugs"].to_list() == [15, 30]
