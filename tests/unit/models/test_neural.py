"""What the neural models share, and what each reads."""

from dataclasses import replace

import numpy as np
import pytest

from perturbkg import plugins
from perturbkg.data import Data, Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.graph.arrays import Features
from perturbkg.graph.diffusion import random_walk_with_restart
from perturbkg.models import Model
from perturbkg.models._neural import best_epochs
from perturbkg.models.mlp import MLP
from perturbkg.models.mlp_no_drug import MLPNoDrug
from perturbkg.models.propagation import Propagation
from perturbkg.models.ridge import Ridge
from perturbkg.training.refit import joined
from perturbkg.training.target_scale import Scaled

SMALL = {"ensemble": 2, "epochs": 4, "width": 8}
PAIRS = Pairs(np.array([0, 2, 3, 4]), np.array([0, 0, 0, 0]))


@pytest.fixture
def train() -> Signatures:
    drug, cell = np.repeat(np.arange(4), 2), np.tile([0, 1], 4)
    delta = np.random.default_rng(0).normal(size=(4, 4))[drug] + np.array([[3, 0, 0, 1], [0, 2, 0, 0]])[cell]
    return Signatures(drug, cell, delta.astype(np.float32))


def test_neural_models_differ_in_what_they_read_not_in_how_they_are_trained():
    shared = set.intersection(
        *(set(plugins.options_of("models", name)) for name in ("mlp", "mlp_no_drug", "propagation"))
    )
    assert {"ensemble", "epochs", "width", "learning_rate", "loss"} <= shared
    for option in shared:
        defaults = {plugins.options_of("models", n)[option] for n in ("mlp", "mlp_no_drug", "propagation")}
        assert len(defaults) == 1, option


def test_the_ensemble_is_the_mean_of_its_members(data: Data, train: Signatures):
    model = MLP(**SMALL, seed=3)
    history = model.fit(data, train, train)
    assert [epoch["member"] for epoch in history] == [0] * 4 + [1] * 4
    whole = model.predict(data, PAIRS)
    learned, alone = model.learned, []
    for member in range(2):
        single = MLP(**{**SMALL, "ensemble": 1}, seed=3)
        single.genes, single.cells = model.genes, model.cells
        own = {
            k.replace(f"member{member}.", "member0."): v
            for k, v in learned.items()
            if f"member{member}." in k
        }
        single.learned = {k: v for k, v in learned.items() if not k.startswith("member")} | own
        alone.append(single.predict(data, PAIRS))
    assert not np.allclose(*alone)
    np.testing.assert_allclose(whole, np.mean(alone, axis=0), rtol=1e-5)


def test_the_first_member_does_not_depend_on_how_many_follow(data: Data, train: Signatures):
    one, two = MLP(**{**SMALL, "ensemble": 1}), MLP(**SMALL)
    for model in (one, two):
        model.fit(data, train, train)
    members = {name for name in one.learned if name.startswith("member")}
    assert members
    for name in members:
        np.testing.assert_array_equal(one.learned[name], two.learned[name])


def part(signatures: Signatures, rows: np.ndarray) -> Signatures:
    return Signatures(signatures.drug[rows], signatures.cell[rows], signatures.delta[rows])


@pytest.mark.parametrize("kind", ["none", "sqrt", "unit"])
def test_a_network_that_learned_nothing_predicts_what_its_cell_line_does(data: Data, train: Signatures, kind):
    """The last layer starts at zero, so that with a tiny step the residual stays there."""
    model = MLP(ensemble=1, epochs=1, width=8, learning_rate=1e-12, weight_decay=0.0, target_scale=kind)
    model.fit(data, train, train)
    base = Scaled.learn(train, 2, kind).base
    np.testing.assert_allclose(model.predict(data, train), base[train.cell], atol=1e-5)


def test_targets_are_learned_on_their_scale_and_predicted_in_units_of_the_data(data: Data, train: Signatures):
    """One drug does the opposite of the others and a hundred times as much: only its shape counts."""
    strong = replace(train, delta=train.delta * np.where(train.drug == 3, 100, 1)[:, None].astype(np.float32))
    errors = {}
    for kind in ("none", "unit"):
        options = {"ensemble": 1, "epochs": 200, "patience": 200, "width": 32, "learning_rate": 0.01}
        model = MLP(**options, loss="mse", dropout=0.0, input_dropout=0.0, target_scale=kind)
        model.fit(data, strong, strong)
        weak = part(strong, strong.drug != 3)
        predicted = model.predict(data, weak)
        errors[kind] = 1 - np.mean(
            [np.corrcoef(p, y)[0, 1] for p, y in zip(predicted, weak.delta, strict=True)]
        )
    assert errors["unit"] < 0.5 * errors["none"]


def test_refitted_members_are_those_that_training_on_both_parts_for_as_long_gives(
    data: Data, train: Signatures
):
    first, rest = part(train, np.arange(8) < 6), part(train, np.arange(8) >= 6)
    rest = replace(rest, delta=-rest.delta)  # so that training stops early
    train = joined(first, rest)
    options = {"ensemble": 1, "width": 8, "epochs": 12, "patience": 2, "learning_rate": 0.01}
    model = MLP(**options, refit=True)
    history = model.fit(data, first, rest)
    (epochs,) = best_epochs(history)
    assert epochs < 12
    whole = MLP(**options | {"epochs": epochs, "patience": 12})
    # Rewarded for whatever it does last: validation is its own prediction after the last epoch.
    whole.fit(data, train, replace(train, delta=model.predict(data, train)))
    np.testing.assert_allclose(model.predict(data, train), whole.predict(data, train), rtol=1e-5, atol=1e-6)
    assert model.chosen == {"refit": "training + validation, 8 signatures"}
    assert MLP().chosen == {}


def test_best_epochs_by_hand():
    rows = [(0, 1, 0.1), (0, 2, 0.3), (0, 3, 0.3), (1, 1, -0.2), (1, 2, -0.3)]
    history = [dict(zip(("member", "epoch", "validation"), row, strict=True)) for row in rows]
    assert best_epochs(history) == [2, 1]


def test_one_member_cannot_say_how_wrong_it_is(data: Data, train: Signatures):
    model = MLP(ensemble=1, epochs=1, width=8)
    model.fit(data, train, train)
    assert model.predict_std(data, PAIRS) is None


def test_the_expected_error_is_a_line_of_the_spread_fitted_to_validation(data: Data, train: Signatures):
    model = MLP(**{**SMALL, "ensemble": 3}, target_scale="unit")
    model.fit(data, train, train)
    alone = []
    for member in range(3):
        single = MLP(**{**SMALL, "ensemble": 1})
        single.genes, single.cells = model.genes, model.cells
        rest = {k: v for k, v in model.learned.items() if not k.startswith("member")}
        own = {k[len("memberN.") :]: v for k, v in model.learned.items() if k.startswith(f"member{member}.")}
        single.learned = rest | {f"member0.{k}": v for k, v in own.items()}
        alone.append(single.predict(data, train))
    spread = np.sqrt(np.var(alone, axis=0, ddof=1).mean(axis=1))
    error = np.sqrt(np.square(np.mean(alone, axis=0) - train.delta).mean(axis=1))
    offset, slope = model.learned["spread_to_error"]
    assert min(offset, slope) >= 0
    std = model.predict_std(data, train)
    np.testing.assert_allclose(std, offset + slope * spread, rtol=1e-4)
    for other in ((offset * 1.2, slope), (offset * 0.8, slope), (offset, slope * 1.2), (offset, slope * 0.8)):
        assert np.square(other[0] + other[1] * spread - error).sum() > np.square(std - error).sum()


def test_another_seed_gives_another_network(data: Data, train: Signatures):
    first, second = (MLP(**SMALL, seed=seed) for seed in (1, 2))
    for model in (first, second):
        model.fit(data, train, train)
    assert not np.allclose(first.predict(data, PAIRS), second.predict(data, PAIRS))


def test_it_learns_what_drugs_do(data: Data, train: Signatures):
    model = MLP(ensemble=1, epochs=300, patience=300, width=32, dropout=0.0, input_dropout=0.0)
    history = model.fit(data, train, train)
    assert history[-1]["loss"] < 0.2 * history[0]["loss"]


def test_without_the_drug_all_drugs_are_the_same(data: Data, train: Signatures):
    model = MLPNoDrug(**SMALL)
    model.fit(data, train, train)
    predicted = model.predict(data, PAIRS)
    np.testing.assert_allclose(predicted, np.tile(predicted[0], (4, 1)), rtol=1e-5)
    other = model.predict(data, Pairs(PAIRS.drug, np.ones(4, np.int64)))
    assert not np.allclose(other, predicted)


def test_the_mlp_distinguishes_drugs_by_structure_and_by_target(data: Data, train: Signatures):
    model = MLP(**SMALL)
    model.fit(data, train, train)
    predicted = model.predict(data, PAIRS)
    assert not np.allclose(predicted[0], predicted[1])
    same_structure = replace(
        data,
        features={**data.features, "lincs_drug": Features(np.ones((5, 8), np.float32), np.ones(5, bool))},
    )
    assert not np.allclose(*model.predict(same_structure, PAIRS)[:2])


def test_blank_inputs_are_not_an_error(data: Data, train: Signatures):
    """An ablation may blank all inputs: the cell mean and a learned constant remain."""
    blank = replace(
        data,
        features={name: Features(known.matrix * 0, known.encoded) for name, known in data.features.items()},
        targets=data.targets * 0,
    )
    model = MLP(**SMALL)
    model.fit(blank, train, train)
    predicted = model.predict(blank, PAIRS)
    np.testing.assert_allclose(predicted, np.tile(predicted[0], (4, 1)), rtol=1e-5)


def test_propagation_reads_the_walk_of_each_drug(data: Data):
    walk, structure = Propagation(restart=0.5, steps=2, factor=10.0).drug_blocks(data)
    ((_, share),) = random_walk_with_restart(data.graph, data.drug_node, restart=0.5, steps=2)
    rows = walk.rows(np.arange(5))
    walking = np.array([0, 1, 2, 4])
    np.testing.assert_allclose(rows[walking], np.log1p(10 * share[walking]), atol=1e-5)
    np.testing.assert_array_equal(structure, data.drug_features)
    assert not rows[3].any()  # drug 3 has no edge
    assert len(Propagation(structure=False).drug_blocks(data)) == 1


def test_propagation_does_not_reuse_the_walk_of_other_data(data: Data):
    model = Propagation()
    before = model.drug_blocks(data)[0]
    assert model.drug_blocks(data)[0] is before
    edgeless = replace(data, graph=data.graph.with_edges(*(np.zeros(0, int),) * 3))
    assert not model.drug_blocks(edgeless)[0].rows(np.arange(5)).any()


def test_propagation_needs_the_graph(data: Data, train: Signatures):
    """With structure off and no edges, drugs differ only by their own node: training learns nothing that new
    drugs share, so all drugs without training signatures get the same prediction."""
    edgeless = replace(data, graph=data.graph.with_edges(*(np.zeros(0, int),) * 3))
    model = Propagation(**SMALL, structure=False)
    seen = train.drug < 2
    part = Signatures(train.drug[seen], train.cell[seen], train.delta[seen])
    model.fit(edgeless, part, part)
    predicted = model.predict(edgeless, Pairs(np.array([2, 3, 4]), np.zeros(3, np.int64)))
    np.testing.assert_allclose(predicted, np.tile(predicted[0], (3, 1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs: 0 must be greater than or equal to 1; the default is 80"),
        ({"batch": 0}, "batch: 0 must be"),
        ({"ensemble": 0}, "ensemble: 0 must be"),
        ({"loss": "mes"}, "loss: 'mes' must be 'cosine', 'huber', 'mixed' or 'mse'"),
    ],
)
def test_options_that_cannot_train_are_refused(data, options, message):
    train = Signatures(np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros((2, 4), np.float32))
    with pytest.raises(InputError, match=message):
        MLP(**options).fit(data, train, train)


@pytest.mark.parametrize(
    "model",
    [
        MLP(ensemble=1, width=32, epochs=60, patience=60, dropout=0, input_dropout=0, learning_rate=0.01),
        Ridge(),
    ],
    ids=["mlp", "ridge"],
)
def test_a_model_that_reads_doses_beats_itself_without(data: Data, model: Model):
    """A higher dose does more, in one direction; of every pair half the doses are held out."""
    rng = np.random.default_rng(0)
    drug, cell, step = (i.ravel() for i in np.meshgrid(np.arange(4), [0, 1], np.arange(6), indexing="ij"))
    dose = (10.0 ** (step / 2 - 1)).astype(np.float32)
    delta = np.array([3.0, -1, 0, 2]) * step[:, None] + rng.normal(scale=0.3, size=(len(step), 4))

    def part(rows: np.ndarray, with_dose: bool) -> Signatures:
        given = dose[rows] if with_dose else None
        return Signatures(drug[rows], cell[rows], delta[rows].astype(np.float32), dose=given)

    errors = []
    for with_dose in (True, False):
        train, test = (part(step % 2 == which, with_dose) for which in (0, 1))
        model.fit(data, train, train)
        errors.append(np.abs(model.predict(data, test) - test.delta).mean())
    assert errors[0] < 0.5 * errors[1]
