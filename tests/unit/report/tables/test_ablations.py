"""Ablated models against the same models without ablation, by hand."""

import pytest
from reports import choices_of
from score_matrices import matrix, paired, table_of

from perturbkg.report import registry


def test_an_ablation_is_compared_with_the_same_model_without_it():
    base, worse = paired(-0.1)
    columns = {("gat", "none", 1): base, ("gat", "shuffle_edges", 1): worse, ("mlp", "none", 1): base}
    table = table_of("ablations", matrix(columns))
    assert table["ablation"].to_list() == ["none", "shuffle_edges"]
    head, row = table.iter_rows(named=True)
    assert (head["difference"], head["q"], head["better"]) == (None, None, None)
    assert row["difference"] == pytest.approx((worse - base).mean())
    assert row["better"] == "none"


def test_a_grid_begins_with_the_model_without_ablation(tables):
    ablations = registry.load("tables", "ablations")
    for grid in ablations.lay_out(ablations.read(tables["ablations"]), choices_of()):
        assert [row[1].text for row in grid.rows[:4]] == [
            *("none (untouched)", "no_graph", "random_features", "shuffle_edges")
        ]
        assert [row[0].text for row in grid.rows[::4]] == [
            *("pearson ↑", "pearson_deg100 ↑", "pearson_centred ↑", "retrieval ↓", "rmse ↓")
        ]
