"""Ridge against scikit-learn, and the choice of the penalty."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Reference

from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models.ridge import Ridge
from perturbkg.training.inputs import project
from perturbkg.training.means import cell_means
from perturbkg.training.target_scale import Scaled


@pytest.fixture
def train() -> Signatures:
    drug, cell = np.repeat(np.arange(5), 2), np.tile([0, 1], 5)
    return Signatures(drug, cell, np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32))


@pytest.mark.parametrize("kind", ["none", "sqrt", "unit"])
def test_coefficients_agree_with_scikit_learn(data: Data, train: Signatures, kind: str):
    model = Ridge(penalties=(0.3,), target_scale=kind, refit=False)
    model.fit(data, train, train)
    drug, cell = project([data.drug_features, data.targets.toarray()], data.cell_features, model.learned)
    inputs = np.concatenate([drug[train.drug], cell[train.cell]], axis=1)
    scaled = Scaled.learn(train, 2, kind)
    reference = Reference(alpha=0.3 * len(train), fit_intercept=False)
    reference.fit(inputs, scaled.residual)
    np.testing.assert_allclose(model.learned["coefficients"], scaled.scale * reference.coef_.T, atol=1e-5)
    expected = scaled.back(train.cell, reference.predict(inputs))
    np.testing.assert_allclose(model.predict(data, Pairs(train.drug, train.cell)), expected, atol=1e-5)
    assert model.parameters == reference.coef_.size


def test_refitted_is_fitted_on_both_parts_with_the_penalty_that_validation_chose(
    data: Data, train: Signatures
):
    first, rest = (
        Signatures(train.drug[rows], train.cell[rows], train.delta[rows])
        for rows in (slice(None, 7), slice(7, None))
    )
    chosen, refitted = Ridge(refit=False), Ridge()
    for model in (chosen, refitted):
        model.fit(data, first, rest)
    whole = Ridge(penalties=(chosen.learned["penalty"].item(),), refit=False)
    whole.fit(data, train, train)
    np.testing.assert_array_equal(refitted.predict(data, train), whole.predict(data, train))
    assert not np.allclose(refitted.predict(data, train), chosen.predict(data, train))
    assert refitted.chosen["refit"] == "training + validation, 10 signatures"
    assert set(chosen.chosen) == {"penalty"}


def test_the_penalty_is_chosen_on_validation(data: Data, train: Signatures):
    """If validation repeats training, the smallest penalty wins; if it is the opposite, the largest."""
    centre = cell_means(train, 2)[train.cell]
    for sign, expected in ((1, 0.001), (-1, 1000.0)):
        validation = Signatures(train.drug, train.cell, centre + sign * (train.delta - centre))
        model = Ridge(penalties=(0.001, 1.0, 1000.0), target_scale="none")
        model.fit(data, train, validation)
        assert model.learned["penalty"] == expected
        assert model.chosen["penalty"] == f"{expected:g}"
