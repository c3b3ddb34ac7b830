"""Single runs, by hand."""

import pytest
from reports import choices_of
from score_matrices import NAN, matrix, table_of

from perturbkg.report import registry


def test_every_run_has_its_own_row():
    columns = {("gat", "none", 1): [0.1, 0.2, 0.3, NAN], ("gat", "none", 2): [0.5, 0.6, 0.7, NAN]}
    table = table_of("folds", matrix(columns, parent=[0, 1, 0, 1]))
    found = {
        (row["fold"], row["seed"]): (row["mean"], row["signatures"]) for row in table.iter_rows(named=True)
    }
    assert found == {
        (0, 1): (pytest.approx(0.2), 2),
        (1, 1): (pytest.approx(0.2), 1),
        (0, 2): (pytest.approx(0.6), 2),
        (1, 2): (pytest.approx(0.6), 1),
    }


def test_a_grid_has_a_row_per_run(tables):
    folds = registry.load("tables", "folds")
    grids = folds.lay_out(folds.read(tables["folds"]), choices_of())
    assert [len(grid.rows) for grid in grids] == [2 * 8, 2 * 8]
