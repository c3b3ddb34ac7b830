"""The signatures of the heat map are chosen by a fixed rule."""

import numpy as np
import polars as pl
import pytest
from reports import choices_of

from perturbkg import schemas
from perturbkg.errors import InputError
from perturbkg.io.matrices import read_matrix
from perturbkg.report.figures import Material
from perturbkg.report.figures.heatmap_predictions import at_quantiles, read_examples


def test_signatures_are_taken_at_fixed_quantiles_with_ties_by_name():
    scored = pl.DataFrame(
        {"signature": [f"s{at:02d}" for at in range(12)], "value": [at / 10 for at in range(11)] + [None]}
    )
    assert at_quantiles(scored)["signature"].to_list() == ["s09", "s07", "s05", "s03", "s01"]
    same = at_quantiles(pl.DataFrame({"signature": ["b", "a"], "value": [0.5, 0.5]}).reverse())
    assert same["signature"].to_list() == ["b", "a"]


CHOSEN = {"split": "scaffold", "model": "gat", "ablation": "none", "seed": 1}


def examples(raw_results, predictions):
    return read_examples(
        Material(
            tables={},
            choices=choices_of(),
            scores=raw_results["scores"],
            signatures=raw_results["signatures"],
            drugs=schemas.read(raw_results["drugs"], schemas.Drugs),
            predictions=predictions,
            split="scaffold",
            model_seed=1,
        )
    )


def test_profiles_are_those_of_the_signatures_that_their_labels_name(raw_results):
    predictions = [path for path in raw_results["predictions"] if path.name.startswith("scaffold")]
    found = examples(raw_results, predictions)
    observed, obs, _ = read_matrix(raw_results["signatures"])
    predicted = {}
    for path in predictions:
        X, rows, _ = read_matrix(path)
        predicted |= dict(zip(rows["signature"], X, strict=True))
    scores = schemas.read(raw_results["scores"], schemas.Scores).filter(**CHOSEN, metric="pearson")
    names = at_quantiles(scores.select(pl.col("signature").cast(pl.String), "value"))["signature"]
    assert len(found.labels) == len(set(names)) == 5
    at = [obs["signature"].to_list().index(name) for name in names]
    np.testing.assert_array_equal(found.observed, observed[at])
    np.testing.assert_array_equal(found.predicted, np.stack([predicted[name] for name in names]))
    for label, row in zip(found.labels, at, strict=True):
        assert obs["cell"][row] in label


def test_a_missing_prediction_is_refused(raw_results):
    with pytest.raises(InputError, match="no prediction of signature 'SIG"):
        examples(
            raw_results, [path for path in raw_results["predictions"] if path.name.startswith("scaffold0")]
        )
