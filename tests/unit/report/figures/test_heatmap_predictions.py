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


def examples(made, predictions):
    return read_examples(
        Material(
            tables={},
            choices=choices_of(),
            scores=made["scores"],
            signatures=made["signatures"],
            drugs=schemas.read(made["drugs"], schemas.Drugs),
            predictions=predictions,
            split="scaffold",
            model_seed=1,
        )
    )


def test_profiles_are_those_of_the_signatures_that_their_labels_name(made):
    predictions = [path for path in made["predictions"] if path.name.startswith("scaffold")]
    found = examples(made, predictions)
    observed, obs, _ = read_matrix(made["signatures"])
    predicted = {}
    for path in predictions:
        X, rows, _ = read_matrix(path)
        predicted |= dict(zip(rows["signature"], X, strict=True))
    scores = schemas.read(made["scores"], schemas.Scores).filter(**CHOSEN, metric="pearson")
    names = at_quantiles(scores.select(pl.col("signature").cast(pl.String), "value"))["signature"]
    assert len(found.labels) == len(set(names)) == 5
    at = [obs["signature"].to_list().index(name) for name in names]
    np.testing.assert_array_equal(found.observed, observed[at])
    np.testing.assert_array_equal(found.predicted, np.stack([predicted[name] for name in names]))
    for label, row in zip(found.labels, at, strict=True):
        assert obs["cell"][row] in label


def test_a_missing_prediction_is_refused(made):
    with pytest.raises(InputError, match="no prediction of signature 'SIG"):
        examples(made, [path for path in made["predictions"] if path.name.startswith("scaffold0")])
