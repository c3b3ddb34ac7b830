"""Values become tidy rows: one metric after another, null with its reason."""

from dataclasses import replace

import numpy as np
import pytest

from perturbkg import plugins, schemas
from perturbkg.metrics import Evaluation, value_infos
from perturbkg.scoring import score as module
from perturbkg.scoring.score import score


@pytest.fixture
def evaluation():
    observed = np.array([[1, 2, 3, 4], [1, 2, 3, 4]], dtype=np.float32)
    predicted = np.array([[1, 3, 2, 4], [7, 7, 7, 7]], dtype=np.float32)
    return Evaluation(observed, predicted, np.zeros(2, dtype=np.int64), np.zeros((1, 4), dtype=np.float32))


def test_rows_by_hand(evaluation):
    table = score(["s1", "s2"], evaluation, ["pearson", "mae"])
    assert table.rows() == [
        ("s1", "pearson", pytest.approx(0.8), None),
        ("s2", "pearson", None, "constant predicted or observed profile"),
        ("s1", "mae", 0.5, None),
        ("s2", "mae", 4.5, None),
    ]


def test_meets_its_schema_with_every_metric(evaluation):
    table = score(["s1", "s2"], evaluation, plugins.names("metrics"))
    schemas.check(table, schemas.MetricValues, "scores")
    assert table.height == 2 * len(value_infos())
    assert table["value"].is_null().equals(table["reason"].is_not_null())
    assert not table["value"].is_nan().any()


def test_a_metric_that_is_undefined_without_a_reason_is_a_defect(evaluation, monkeypatch):
    info = replace(value_infos(["pearson"])["pearson"], undefined="")
    monkeypatch.setattr(plugins.load("metrics", "pearson"), "infos", (info,))
    with pytest.raises(ValueError, match="pearson states no reason"):
        module.score(["s1", "s2"], evaluation, ["pearson"])
