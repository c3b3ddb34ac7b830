"""The kernel models: against scikit-learn, and on a planted block of the walk."""

import dataclasses

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel

from perturbkg.data import Data, Signatures
from perturbkg.errors import InputError
from perturbkg.models import _kernel_choice
from perturbkg.models.graph_kernel import GraphKernel, _aligned
from perturbkg.models.kernel import Kernel


def test_solves_what_scikit_learn_solves(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(12, 12))
    K = (root @ root.T).astype(np.float32)
    delta = rng.normal(size=(9, 978)).astype(np.float32)
    part = Signatures(np.arange(9), np.zeros(9, np.int64), delta)
    data = dataclasses.make_dataclass("Cells", ["cells"])(["c"])
    target = Kernel()._target(data, part, "none", None)
    weights = _kernel_choice.solve_exactly(K[:9, :9], target, 0.8)

    def look_up(_: object, a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        b = a if b is None else b
        return K[np.ix_(a[:, 0].astype(int), b[:, 0].astype(int))]

    monkeypatch.setattr(ConstantKernel, "__call__", look_up)
    # 9 profiles and their mean leave 8 components that vary; each has the noise of its level.
    for component in range(8):
        noise = 0.8 * float(target.noise[component])
        oracle = GaussianProcessRegressor(ConstantKernel(1.0), optimizer=None, alpha=noise)
        oracle.fit(np.arange(9)[:, None], target.values[:, component])
        expected = oracle.predict(np.arange(9, 12)[:, None])
        np.testing.assert_allclose(K[9:, :9] @ weights[:, component], expected, rtol=1e-3, atol=1e-3)


def test_blocks_that_agree_with_responses_come_first() -> None:
    rng = np.random.default_rng(1)
    position = rng.normal(size=(30, 4))
    delta = (position @ rng.normal(size=(4, 978)) + 0.1 * rng.normal(size=(30, 978))).astype(np.float32)
    unit = position / np.linalg.norm(position, axis=1, keepdims=True)
    noise = rng.normal(size=(30, 4))
    kernels = {"pathway@3": unit @ unit.T, "disease@2": noise @ noise.T, "walk": unit @ unit.T}
    data = dataclasses.make_dataclass("Few", ["cells", "drugs", "scaffold_group"])(
        ["c"], [str(i) for i in range(30)], np.arange(30)
    )
    seen = Signatures(np.arange(30), np.zeros(30, np.int64), delta)
    assert _aligned(data, kernels, seen)[0] == "pathway@3"


def test_groups_follow_the_split() -> None:
    data = dataclasses.make_dataclass("Groups", ["scaffold_group"])(np.array([0, 0, 1, 1, 2, 2]))
    delta = np.zeros((6, 978), np.float32)

    def signatures(drugs: list[int]) -> Signatures:
        drug = np.array(drugs)
        return Signatures(drug, np.zeros(len(drug), np.int64), delta[: len(drug)])

    train, new, known = signatures([0, 1, 2, 3]), signatures([4, 5]), signatures([0, 1, 4])
    assert not _kernel_choice.known_drugs(train, new)
    assert _kernel_choice.known_drugs(train, known)
    seen = signatures([0, 1, 2, 3, 4, 5])
    scaffolds = _kernel_choice.deal(_kernel_choice.held_out_group(data, seen, known=False), parts=3, seed=1)
    assert sorted(rows.tolist() for rows in scaffolds) == [[0, 1], [2, 3], [4, 5]]
    each = _kernel_choice.deal(_kernel_choice.held_out_group(data, seen, known=True), parts=6, seed=1)
    assert [len(rows) for rows in each] == [1] * 6
    some = _kernel_choice.some_groups(data.scaffold_group, most=3, seed=1)
    assert len(some) == 4  # two whole scaffolds


def test_too_many_signatures_name_the_option() -> None:
    delta = np.zeros((3, 978), np.float32)
    part = Signatures(np.arange(3), np.zeros(3, np.int64), delta)
    with pytest.raises(InputError, match="exact_limit"):
        GraphKernel(exact_limit=4, method="exact").fit(None, part, part)  # type: ignore[arg-type] - refused before data is read


def world(drugs: int = 30, seed: int = 3) -> tuple[Data, Signatures, Signatures]:
    """Return a world of smooth responses to a position in two dimensions, in three cell lines."""
    rng = np.random.default_rng(seed)
    position = rng.normal(size=(drugs, 2))
    delta = position @ rng.normal(size=(2, 978)) + 0.5 * rng.normal(size=(drugs, 978))
    drug = np.repeat(np.arange(drugs), 3)
    cell = np.tile(np.arange(3), drugs)
    profiles = (delta[drug] + 0.5 * rng.normal(size=(3 * drugs, 978))).astype(np.float32)
    seen = Signatures(drug, cell, profiles)
    distance = np.square(position[:, None] - position).sum(axis=2)
    fields = {
        "cells": ["a", "b", "c"],
        "drugs": [str(i) for i in range(drugs)],
        "genes": [str(i) for i in range(978)],
        "scaffold_group": np.arange(drugs),
        "baseline": rng.normal(size=(3, 978)).astype(np.float32),
        "structure": np.exp(-distance / 2).astype(np.float32),
    }
    data = dataclasses.make_dataclass("World", list(fields))(**fields)
    new = drug >= drugs - 6
    return data, seen.at(np.flatnonzero(~new)), seen.at(np.flatnonzero(new))


class Near(Kernel):
    """The structure kernel of `world`."""

    def drug_kernels(self, data: Data) -> dict[str, np.ndarray]:
        return {"structure": data.structure}  # type: ignore[attr-defined]


def test_the_iterative_method_predicts_what_the_exact_one_does() -> None:
    data, train, validation = world()
    exact, iterative = (Near(targets=False, method=method, refit=False) for method in ("exact", "iterative"))
    exact.fit(data, train, validation)
    iterative.fit(data, train, validation)
    assert exact.chosen == iterative.chosen
    one, other = (model.predict(data, validation) for model in (exact, iterative))
    # 72 profiles have fewer than the 120 components of the iterative method: the systems are the same.
    np.testing.assert_allclose(one, other, atol=1e-3)
    assert np.corrcoef(one.ravel(), validation.delta.ravel())[0, 1] > 0.5


def test_the_expected_error_is_about_the_error_of_new_drugs() -> None:
    data, train, validation = world(drugs=60)
    model = Near(targets=False, refit=False)
    model.fit(data, train, validation)
    std = model.predict_std(data, validation)
    assert std is not None
    error = np.square(model.predict(data, validation) - validation.delta).mean(axis=1)
    assert 0.7 < np.sqrt(error.mean() / np.square(std).mean()) < 1.4


def test_a_choice_on_some_groups_fits_on_all_signatures() -> None:
    data, train, validation = world()
    model = Near(targets=False, choice_limit=30)
    model.fit(data, train, validation)
    assert len(model.learned["drug"]) == len(train) + len(validation)


@pytest.mark.parametrize("choice", [True, False], ids=["choice", "no choice"])
@pytest.mark.parametrize("method", ["exact", "iterative"])
def test_an_indefinite_drug_kernel_is_named(method: str, choice: bool) -> None:
    data, train, validation = world(drugs=14)
    data.structure -= np.float32(0.8)  # type: ignore[attr-defined]
    if not choice:
        data.scaffold_group[:] = 0  # one group: nothing is held out
    with pytest.raises(InputError, match=r"not positive definite: .*structure has"):
        Near(targets=False, method=method).fit(data, train, validation)


def test_a_drug_kernel_with_a_value_that_is_not_finite_is_named_without_a_choice_too() -> None:
    data, train, validation = world(drugs=14)
    data.scaffold_group[:] = 0
    data.structure[0, 1] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="structure: some values are not finite"):
        Near(targets=False).fit(data, train, validation)


@pytest.mark.parametrize("method", ["exact", "iterative"])
@pytest.mark.parametrize("case", ["one drug", "equal signatures", "nothing similar"])
def test_little_to_learn_from_gives_finite_predictions(case: str, method: str) -> None:
    data, train, validation = world(drugs=14)
    if case == "one drug":
        train = train.at(np.flatnonzero(train.drug == 0))
    elif case == "equal signatures":
        train = dataclasses.replace(train, delta=np.tile(train.delta[:1], (len(train), 1)))
    else:
        data.structure[-1] = data.structure[:, -1] = 0  # type: ignore[attr-defined]
    model = Near(targets=False, method=method, refit=False)
    model.fit(data, train, validation)
    predicted, std = model.predict(data, validation), model.predict_std(data, validation)
    assert np.isfinite(predicted).all()
    assert std is not None and np.isfinite(std).all() and (std >= 0).all()
    if case == "equal signatures":  # that signature, up to a number that is the same for all genes
        missed = predicted - train.delta[:1]
        np.testing.assert_allclose(missed, np.repeat(missed[:, :1], 978, axis=1), atol=1e-4)
        assert np.abs(missed).max() < 0.01
    if case == "nothing similar":  # the last drug's pairs, one per cell line, are predicted by its mean
        base = np.mean([model.learned[f"{scale}.base"] for scale in model.target_scales], axis=0)
        np.testing.assert_allclose(predicted[-3:], base[:3], atol=1e-4)
