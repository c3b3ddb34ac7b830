"""Groups of test signatures, by hand."""

import pytest
from reports import choices_of
from score_matrices import matrix, table_of, untouched

from perturbkg.report import registry
from perturbkg.report.tables.strata import STRATA


def test_strata_split_the_rows_at_their_bounds():
    strata = {
        "similarity": [0.0, 0.2, 0.95, 1.0],
        "active": [0, 9, 10, 500],
        "has_target": [True, False, False, False],
        "cell": ["X", "Y", "Y", "Y"],
    }
    table = table_of("strata", matrix(untouched(gat=[0.1, 0.2, 0.3, 0.4]), **strata))
    found = {
        stratum: [tuple(row) for row in table.filter(stratum=stratum).select("level", "mean").iter_rows()]
        for stratum in STRATA
    }
    assert found["similarity"] == [("0–0.2", 0.1), ("0.2–0.3", 0.2), ("0.8–1", 0.3), ("1", 0.4)]
    assert found["activity"] == [("0–9", pytest.approx(0.15)), ("10–24", 0.3), ("≥ 200", 0.4)]
    assert found["target"] == [("target in the graph", 0.1), ("no target in the graph", pytest.approx(0.3))]
    assert found["cell"] == [("X", 0.1), ("Y", pytest.approx(0.3))]
    for rows in (table.filter(stratum=stratum) for stratum in found):
        assert rows["signatures"].sum() == 4


def test_there_is_a_grid_per_stratum(tables):
    strata = registry.load("tables", "strata")
    grids = strata.lay_out(strata.read(tables["strata"]), choices_of())
    assert {grid.columns[0].title for grid in grids} == set(STRATA.values())
