"""The contract of every model."""

import copy
import dataclasses
import importlib
import json
from typing import Any

import numpy as np
import pytest

from perturbkg import plugins
from perturbkg.data import Data, Pairs, Signatures
from perturbkg.models import Model

NAMES = plugins.names("models")
#: Enough to run every line of a neural model; models without such an option do not get it.
SMALL = {"ensemble": 2, "epochs": 3, "width": 8, "batch": 5}
UNSEEN_DRUG, UNSEEN_CELL = 7, 2


def make(name: str, seed: int = 1) -> Model:
    known = plugins.options_of("models", name)
    return plugins.create("models", name, {k: v for k, v in SMALL.items() if k in known}, seed=seed)


@pytest.fixture
def parts() -> tuple[Signatures, Signatures]:
    """Return training and validation signatures; neither has the last drug or the last cell line."""
    rng = np.random.default_rng(3)
    drug, cell = (index.ravel() for index in np.meshgrid(np.arange(7), np.arange(2), indexing="ij"))
    delta = rng.normal(size=(14, 978)) + rng.normal(size=(2, 978))[cell]
    train = np.arange(14) % 5 != 0

    def chosen(rows: np.ndarray) -> Signatures:
        return Signatures(drug[rows], cell[rows], delta[rows].astype(np.float32))

    return chosen(train), chosen(~train)


@pytest.fixture
def pairs() -> Pairs:
    """Return known and unknown drugs and cell lines, unordered, one pair twice."""
    return Pairs(np.array([3, UNSEEN_DRUG, 0, 3, 6, UNSEEN_DRUG]), np.array([1, 0, UNSEEN_CELL, 1, 0, 2]))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def arrays_of(value: Any) -> list[np.ndarray]:
    """Return copies of all arrays in (nested) dataclasses, dicts and sparse matrices, in a fixed order."""
    if isinstance(value, np.ndarray):
        return [value.copy()]
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return [array for key in sorted(value) for array in arrays_of(value[key])]
    if hasattr(value, "toarray"):
        return [value.toarray()]
    return []


def test_class(name: str) -> None:
    cls = plugins.load("models", name)
    assert issubclass(cls, Model)
    assert dataclasses.is_dataclass(cls)
    assert cls.__doc__


def test_predicts_finite_profiles_for_known_and_unknown(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs
) -> None:
    model = make(name)
    history = model.fit(data, *parts)
    predicted = model.predict(data, pairs)
    assert predicted.shape == (6, 978)
    assert predicted.dtype == np.float32
    assert np.isfinite(predicted).all()
    np.testing.assert_allclose(predicted[0], predicted[3], rtol=1e-5)  # the pair that occurs twice
    assert all(set(epoch) == {"member", "epoch", "loss", "validation"} for epoch in history)
    assert model.parameters >= 0


def test_no_pairs_no_predictions(name: str, data: Data, parts: tuple[Signatures, Signatures]) -> None:
    model = make(name)
    model.fit(data, *parts)
    nothing = np.zeros(0, dtype=np.int64)
    assert model.predict(data, Pairs(nothing, nothing)).shape == (0, 978)
    std = model.predict_std(data, Pairs(nothing, nothing))
    assert std is None or std.shape == (0,)


def test_a_model_that_overrides_it_states_the_error_that_it_expects(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs, tmp_path
) -> None:
    model = make(name)
    model.fit(data, *parts)
    std = model.predict_std(data, pairs)
    if type(model).predict_std is Model.predict_std:
        assert std is None
        return
    assert std is not None
    assert std.shape == (6,)
    assert std.dtype == np.float32
    assert np.isfinite(std).all() and (std > 0).all()  # pure noise is never predicted without error
    np.testing.assert_allclose(std[0], std[3], rtol=1e-4)  # the pair that occurs twice
    model.save(tmp_path)
    loaded = plugins.load("models", name).load(tmp_path)
    again = loaded.predict_std(data, pairs)
    assert again is not None and again.tobytes() == std.tobytes()


def given(pairs: Pairs, dose: float | None, time: float = 24.0) -> Any:
    """Return the pairs, all at one dose and time."""
    if dose is None:
        return dataclasses.replace(pairs, dose=None, time=None)
    size = len(pairs)
    return dataclasses.replace(
        pairs, dose=np.full(size, dose, np.float32), time=np.full(size, time, np.float32)
    )


def test_one_dose_and_time_change_nothing(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs
) -> None:
    plain, dosed = make(name), make(name)
    plain.fit(data, *parts)
    dosed.fit(data, *(given(part, 10.0) for part in parts))
    assert plain.learned.keys() == dosed.learned.keys()
    assert dosed.predict(data, given(pairs, 1.0, 6.0)).tobytes() == plain.predict(data, pairs).tobytes()


def test_doses_and_times_are_read_where_the_class_says_so(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs, tmp_path
) -> None:
    train, validation = (
        dataclasses.replace(
            part,
            dose=np.array([0.1, 1, 10], np.float32)[np.arange(len(part)) % 3],
            time=np.array([6, 24], np.float32)[np.arange(len(part)) % 2],
        )
        for part in parts
    )
    model = make(name)
    model.fit(data, train, validation)
    low, high, late = (
        model.predict(data, given(pairs, *at)) for at in ((0.1, 6.0), (10.0, 6.0), (0.1, 24.0))
    )
    assert np.array_equal(low, high) != type(model).conditions
    assert np.array_equal(low, late) != type(model).conditions
    assert np.isfinite(model.predict(data, pairs)).all()  # without a dose
    assert np.isfinite(model.predict(data, given(pairs, np.nan, np.nan))).all()
    model.save(tmp_path)
    loaded = plugins.load("models", name).load(tmp_path)
    assert loaded.predict(data, given(pairs, 0.1, 6.0)).tobytes() == low.tobytes()


def test_same_seed_same_bytes(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs, tmp_path
) -> None:
    made = []
    for run in ("first", "second"):
        folder = tmp_path / run
        folder.mkdir()
        model = make(name)
        # A model must not depend on the state of global generators.
        np.random.default_rng().random()
        history = model.fit(copy.deepcopy(data), *copy.deepcopy(parts))
        model.save(folder)
        files = [(folder / file).read_bytes() for file in ("model.safetensors", "model.json")]
        made.append((history, model.predict(data, pairs).tobytes(), *files))
    assert made[0] == made[1]


def test_a_loaded_model_predicts_the_same_to_the_bit(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs, tmp_path
) -> None:
    model = make(name)
    model.fit(data, *parts)
    model.save(tmp_path)
    loaded = plugins.load("models", name).load(tmp_path)
    assert loaded.predict(copy.deepcopy(data), pairs).tobytes() == model.predict(data, pairs).tobytes()
    assert loaded.seed == model.seed
    assert loaded.parameters == model.parameters
    sizes = json.loads((tmp_path / "model.json").read_text())
    assert sizes["model"] == name
    assert sizes["genes"] == data.genes
    assert {key: sizes["options"][key] for key in SMALL if key in sizes["options"]} == {
        key: value for key, value in SMALL.items() if key in plugins.options_of("models", name)
    }


def test_data_and_signatures_are_not_changed(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs
) -> None:
    given = {"data": data, "train": parts[0], "validation": parts[1], "pairs": pairs}
    before = arrays_of(given)
    model = make(name)
    model.fit(data, *parts)
    model.predict(data, pairs)
    model.predict_std(data, pairs)
    for old, new in zip(before, arrays_of(given), strict=True):
        assert np.array_equal(old, new)


def test_reordered_pairs_reorder_the_predictions(
    name: str, data: Data, parts: tuple[Signatures, Signatures], pairs: Pairs
) -> None:
    model = make(name)
    model.fit(data, *parts)
    order = np.array([4, 2, 0, 5, 1, 3])
    predicted = model.predict(data, pairs)
    reordered = model.predict(data, Pairs(pairs.drug[order], pairs.cell[order]))
    np.testing.assert_allclose(reordered, predicted[order], rtol=1e-5, atol=1e-6)


def test_cell_lines_are_identified_by_name(
    name: str, data: Data, parts: tuple[Signatures, Signatures], tmp_path
) -> None:
    """A loaded model gets cell lines in another order: their training means must not be mixed up."""
    model = make(name)
    model.fit(data, *parts)
    turned = dataclasses.replace(
        data,
        cells=data.cells[::-1],
        cell_node=data.cell_node[::-1].copy(),
        baseline=data.baseline[::-1].copy(),
        features={
            **data.features,
            "cell_line": dataclasses.replace(
                data.features["cell_line"], matrix=data.features["cell_line"].matrix[::-1].copy()
            ),
        },
    )
    drug = np.array([1, 2])
    np.testing.assert_allclose(
        model.predict(turned, Pairs(drug, np.array([2, 1]))),
        model.predict(data, Pairs(drug, np.array([0, 1]))),
        rtol=1e-5,
        atol=1e-6,
    )


def test_the_settings_of_torch_are_restored(
    name: str, data: Data, parts: tuple[Signatures, Signatures]
) -> None:
    torch = importlib.import_module("torch")
    state, deterministic = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    model = make(name)
    model.fit(data, *parts)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.are_deterministic_algorithms_enabled() == deterministic
