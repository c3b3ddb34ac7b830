"""What readers see of a table."""

import pytest

from perturbkg.report.catalogue import HEADLINE
from perturbkg.report.definitions import metric_infos
from perturbkg.report.layout import interval, lay_out, number, probability
from perturbkg.report.tables import read_table


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (0.3294, {}, "0.329"),
        (-0.0126, {"sign": True}, "−0.013"),
        (0.0126, {"sign": True}, "+0.013"),
        (0.0, {"sign": True}, "0.000"),
        (1234567, {"digits": 0}, "1,234,567"),
        (None, {}, "–"),
    ],
)
def test_numbers_are_rounded_with_a_true_minus(value, options, text):
    assert number(value, **options) == text


def test_intervals_and_probabilities():
    assert interval(0.3291, 0.3184, 0.3399) == "0.329 [0.318, 0.340]"
    assert interval(0.3291, None, None) == "0.329"
    assert interval(None, None, None) == "–"
    assert interval(0.01, -0.001, 0.02, sign=True) == "+0.010 [−0.001, 0.020]"
    assert (probability(0.0009), probability(0.0149), probability(None)) == ("< 0.001", "0.015", "–")


def grids(name, tables):
    return lay_out(name, read_table(name, tables[name]), metrics=metric_infos(), headline=HEADLINE)


def test_the_main_table_has_a_grid_per_split_with_the_best_on_top_and_the_undefined_last(tables):
    random, scaffold = grids("main", tables)
    assert random.title == "Split random: 120 test signatures of 36 parent molecules, 2 folds, 1 seed"
    assert [column.title for column in scaffold.columns] == [
        *("Model", "Kind", "pearson ↑", "pearson_deg100 ↑", "pearson_centred ↑", "retrieval ↓", "rmse ↓"),
        "Undefined",
    ]
    first, *_, last = scaffold.rows
    assert first[2].bold
    assert (last[0].text, last[2].text, last[2].order) == ("zero", "–", None)
    assert last[-1].order == 4 * 120
    orders = [row[2].order for row in scaffold.rows[:-1]]
    assert orders == sorted(orders, reverse=True)


def test_only_one_model_is_bold_in_a_column_and_its_equals_are_marked(tables):
    main = read_table("main", tables["main"])
    for grid in grids("main", tables):
        split = grid.title.split()[1].rstrip(":")
        for at, metric in enumerate(HEADLINE, start=2):
            assert sum(row[at].bold for row in grid.rows) == 1
            marked = {row[0].text for row in grid.rows if row[at].text.endswith("†")}
            rows = main.filter(split=split, metric=metric).iter_rows(named=True)
            assert marked == {
                row["model"] for row in rows if row["q_best"] is not None and row["q_best"] >= 0.05
            }


def test_ablations_head_with_the_untouched_model(tables):
    for grid in grids("ablations", tables):
        assert [row[1].text for row in grid.rows[:4]] == [
            *("none (untouched)", "no_graph", "random_features", "shuffle_edges")
        ]
        assert [row[0].text for row in grid.rows[::4]] == [
            *("pearson ↑", "pearson_deg100 ↑", "pearson_centred ↑", "retrieval ↓", "rmse ↓")
        ]


def test_folds_have_a_row_per_run_and_strata_a_grid_per_stratum(tables):
    assert [len(grid.rows) for grid in grids("folds", tables)] == [2 * 8, 2 * 8]
    assert {grid.columns[0].title for grid in grids("strata", tables)} == {
        *("Tanimoto similarity to the nearest training drug", "Target", "Genes with |delta| ≥ 2", "Cell line")
    }


def test_every_row_is_as_wide_as_its_columns(tables):
    for name in tables:
        for grid in grids(name, tables):
            assert {len(row) for row in grid.rows} <= {len(grid.columns)}, name
