"""Means of models, by hand."""

import pytest
from reports import choices_of
from score_matrices import NAN, matrix, paired, table_of, untouched

from perturbkg.report import registry

MAIN = registry.load("tables", "main")


def test_a_mean_is_of_parents_not_of_signatures():
    # Parent 0 has three signatures with mean 0.2, parent 1 one with 0.8: the mean is 0.5, not 0.35.
    main = table_of("main", matrix(untouched(gat=[0.1, 0.2, 0.3, 0.8]), parent=[0, 0, 0, 1]))
    row = main.row(0, named=True)
    assert row["mean"] == pytest.approx(0.5)
    assert (row["parents"], row["signatures"], row["undefined"]) == (2, 4, 0)
    assert row["low"] == pytest.approx(0.2)
    assert row["high"] == pytest.approx(0.8)


def test_undefined_scores_are_counted_and_not_zero():
    main = table_of("main", matrix(untouched(gat=[0.5, NAN, 0.7], zero=[NAN] * 3)))
    gat, zero = main.filter(model="gat").row(0, named=True), main.filter(model="zero").row(0, named=True)
    assert gat["mean"] == pytest.approx(0.6)
    assert (gat["undefined"], zero["undefined"]) == (1, 3)
    assert zero["mean"] is None
    assert zero["low"] is None
    assert not zero["best"]


def test_kinds_follow_the_choices():
    main = table_of(
        "main", matrix(untouched(gat=[1, 2], mlp=[1, 2], zero=[1, 2])), models=["gat", "mlp", "zero"]
    )
    kinds = dict(main.select("model", "kind").iter_rows())
    assert kinds == {"gat": "reference", "mlp": "model", "zero": "control"}


def test_the_table_says_which_models_read_dose_and_time():
    scores = untouched(gat=[1, 2], mean=[1, 2], mlp=[1, 2])
    main = table_of("main", matrix(scores), models=["gat", "mean", "mlp"])
    assert dict(main.select("model", "conditions").iter_rows()) == {
        "gat": "ignored",
        "mean": "ignored",
        "mlp": "read",
    }


@pytest.mark.parametrize(
    ("metric", "winner"), [("pearson", "high"), ("rmse", "low"), ("dispersion", "middle")]
)
def test_the_best_follows_the_direction_of_the_metric_and_is_on_top(metric, winner):
    scores = {"low": [0.1] * 4, "middle": [0.9] * 4, "high": [2.0] * 4}
    main = table_of("main", matrix(untouched(**scores), metric), headline=(metric,))
    assert main.filter("best")["model"].to_list() == [winner]
    choices = choices_of(metrics=[metric], headline=[metric])
    (grid,) = MAIN.lay_out(main, choices)
    assert grid.rows[0][0].text == winner


def test_a_model_with_few_defined_scores_is_not_the_best():
    main = table_of("main", matrix(untouched(lucky=[0.9, *[NAN] * 9], steady=[0.2] * 10)))
    assert main.filter("best")["model"].to_list() == ["steady"]


def test_a_row_does_not_depend_on_what_else_is_in_the_table():
    gat, mlp = paired(0.01)
    alone = table_of("main", matrix(untouched(gat=gat))).filter(model="gat")
    together = table_of("main", matrix(untouched(gat=gat, mlp=mlp)), matrix(untouched(gat=mlp), "rmse"))
    columns = ["mean", "low", "high"]
    assert alone.select(columns).equals(together.filter(model="gat", metric="pearson").select(columns))
    other = table_of("main", matrix(untouched(gat=gat)), seed=2).filter(model="gat")
    assert alone["low"][0] != other["low"][0]


def test_there_is_a_grid_per_split_with_the_best_on_top_and_the_undefined_last(tables):
    random, scaffold = MAIN.lay_out(MAIN.read(tables["main"]), choices_of())
    assert random.title == "Split random: 120 test signatures of 36 parent molecules, 2 folds, 1 seed"
    assert [column.title for column in scaffold.columns] == [
        *("Model", "Kind", "pearson ↑", "pearson_deg100 ↑", "pearson_centred ↑", "retrieval ↓", "rmse ↓"),
        *("Undefined", "Dose, time"),
    ]
    first, *_, last = scaffold.rows
    assert first[2].bold
    assert (last[0].text, last[2].text, last[2].order) == ("zero", "–", None)
    assert last[-2].order == 4 * 120
    orders = [row[2].order for row in scaffold.rows[:-1]]
    assert orders == sorted(orders, reverse=True)


def test_one_model_is_bold_in_each_column_and_those_equal_to_it_are_marked(tables):
    main, choices = MAIN.read(tables["main"]), choices_of()
    for grid in MAIN.lay_out(main, choices):
        split = grid.title.split()[1].rstrip(":")
        for at, metric in enumerate(choices.headline, start=2):
            assert sum(row[at].bold for row in grid.rows) == 1
            marked = {row[0].text for row in grid.rows if row[at].text.endswith("†")}
            rows = main.filter(split=split, metric=metric).iter_rows(named=True)
            assert marked == {
                row["model"] for row in rows if row["q_best"] is not None and row["q_best"] >= 0.05
            }
