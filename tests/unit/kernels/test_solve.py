"""Weights and uncertainty: by hand, against scikit-learn's, and of the two methods against each other."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import PairwiseKernel
from sklearn.kernel_ridge import KernelRidge

from perturbkg.data import Pairs
from perturbkg.errors import InputError
from perturbkg.kernels import iterative, uncertainty
from perturbkg.kernels.pairs import PairKernel, Product, Term
from perturbkg.kernels.solve import solve

DRUGS, CELLS = 60, 8


@pytest.fixture
def kernel() -> PairKernel:
    """Return a smooth kernel with [same drug], as the models' is."""
    random = np.random.default_rng(0)
    drugs, cells = random.standard_normal((DRUGS, 10)), random.standard_normal((CELLS, 6))
    distance = np.square(drugs[:, None] - drugs).sum(axis=2)
    similar = np.maximum(np.corrcoef(cells), 0) ** 2 + 0.5 * np.eye(CELLS)
    return PairKernel(
        (
            Term(np.exp(-distance / 10).astype(np.float32), similar.astype(np.float32), "structure"),
            Term(np.eye(DRUGS, dtype=np.float32), np.full((CELLS, CELLS), 0.2, np.float32), "same"),
        )
    )


@pytest.fixture
def system(kernel: PairKernel) -> tuple[PairKernel, Pairs, np.ndarray, np.ndarray, Pairs]:
    """Return a kernel, training pairs, their noise and targets, and other pairs."""
    random = np.random.default_rng(1)
    both = random.permutation(DRUGS * CELLS)
    train, other = (Pairs(rows // CELLS, rows % CELLS) for rows in (both[:300], both[300:]))
    noise = random.uniform(0.2, 1.5, 300).astype(np.float32)
    return kernel, train, noise, random.standard_normal((300, 5)).astype(np.float32), other


def never_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small systems be solved as large ones are, with few centres."""
    original = Product.__init__
    monkeypatch.setattr(Product, "__init__", lambda self, kernel, a, b: original(self, kernel, a, b, 0))
    monkeypatch.setattr(iterative.preconditioner, "__defaults__", (20,))


def test_by_hand():
    # K = [[2, 1], [1, 2]], noise 1: (K + 1)^-1 = [[3, -1], [-1, 3]] / 8.
    term = Term(np.array([[2, 1], [1, 2]], np.float32), np.ones((1, 1), np.float32))
    train = Pairs(np.array([0, 1]), np.array([0, 0]))
    for method in ("exact", "iterative"):
        found = solve(PairKernel((term,)), train, np.ones(2), np.array([[8.0], [16.0]]), method=method)
        np.testing.assert_allclose(found.weights, [[1], [5]], rtol=1e-5)
        assert found.method == method and found.weights.dtype == np.float32
        # 2 - (2, 1) (K + 1)^-1 (2, 1)^T = 2 - (5, 1) / 8 (2, 1)^T = 2 - 11 / 8
        variance = found.std(PairKernel((term,)), train, train) ** 2
        np.testing.assert_allclose(variance, [5 / 8, 5 / 8], rtol=1e-4)


@pytest.mark.parametrize("method", ["exact", "iterative"])
def test_weights_and_std_are_those_of_scikit_learn(system, method, monkeypatch):
    never_formed(monkeypatch)
    monkeypatch.setitem(
        uncertainty.estimate_std.__kwdefaults__, "samples", 1000
    )  # few pairs: solved for each
    kernel, train, noise, targets, other = system
    found = solve(kernel, train, noise, targets, method=method, tolerance=1e-6)
    matrix = kernel.between(train, train).astype(np.float64)
    for column in range(targets.shape[1]):  # unequal noise is equal noise after scaling
        root = 1 / np.sqrt(noise.astype(np.float64))
        ridge = KernelRidge(alpha=1.0, kernel="precomputed")
        ridge.fit(matrix * root[:, None] * root, targets[:, column] * root)
        np.testing.assert_allclose(found.weights[:, column], ridge.dual_coef_ * root, rtol=1e-4, atol=1e-5)

    table = np.concatenate([np.stack([one.drug, one.cell], axis=1) for one in (train, other)]).astype(float)

    def by_numbers(a, b, **_):
        pair = [Pairs(x[None, 0].astype(int), x[None, 1].astype(int)) for x in (a, b)]
        return float(kernel.between(*pair)[0, 0])

    process = GaussianProcessRegressor(PairwiseKernel(metric=by_numbers), alpha=noise, optimizer=None)
    process.fit(table[:300], targets[:, 0])
    few = table[300:312]
    mean, std = process.predict(few, return_std=True)
    pairs = Pairs(few[:, 0].astype(int), few[:, 1].astype(int))
    predicted = kernel.times(pairs, train, found.weights)[:, 0]
    np.testing.assert_allclose(predicted, mean, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.std(kernel, train, pairs), std, rtol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_iterative_equals_exact(kernel, seed, monkeypatch):
    random = np.random.default_rng(seed)
    pairs = Pairs(random.integers(0, DRUGS, 400), random.integers(0, CELLS, 400))  # some pairs more than once
    noise = (10.0 ** random.uniform(-1.5, 1, 400)).astype(np.float32)
    targets = random.standard_normal((400, 7)).astype(np.float32)
    targets[:, 3] = 0  # done at once
    exact = solve(kernel, pairs, noise, targets, method="exact")
    never_formed(monkeypatch)
    found = solve(kernel, pairs, noise, targets, method="iterative")
    assert exact.iterations == 0 < found.iterations < 100
    difference = np.linalg.norm(found.weights - exact.weights, axis=0)
    assert (difference <= 1e-4 * np.linalg.norm(exact.weights, axis=0)).all()


def test_drugs_of_many_pairs_are_split_in_the_preconditioner(kernel, monkeypatch):
    never_formed(monkeypatch)
    monkeypatch.setattr(iterative, "LARGEST", 3)
    pairs = Pairs(np.repeat(np.arange(20), CELLS), np.tile(np.arange(CELLS), 20))
    targets = np.random.default_rng(0).standard_normal((len(pairs), 2))
    exact = solve(kernel, pairs, np.ones(len(pairs)), targets, method="exact")
    found = solve(kernel, pairs, np.ones(len(pairs)), targets, method="iterative")
    np.testing.assert_allclose(found.weights, exact.weights, atol=1e-4)


def test_refinement_reaches_what_float32_cannot(system, monkeypatch):
    never_formed(monkeypatch)
    kernel, train, noise, targets, _ = system
    tolerance = 1e-10
    found = iterative.Iterative(kernel, train, noise, tolerance).solve(targets)
    matrix = kernel.between(train, train).astype(np.float64) + np.diag(noise.astype(np.float64))
    np.testing.assert_allclose(found, np.linalg.solve(matrix, targets), rtol=1e-6, atol=1e-7)


def test_drawn_functions_estimate_the_std(system, monkeypatch):
    never_formed(monkeypatch)
    kernel, train, noise, targets, other = system
    exact = solve(kernel, train, noise, targets, method="exact").std(kernel, train, other)
    found = solve(kernel, train, noise, targets, method="iterative")
    assert len(other) > uncertainty.SAMPLES
    before = found.iterations
    estimated = found.std(kernel, train, other)
    assert found.iterations == before  # of the weights, not of what came after
    ratio = estimated / exact
    assert abs(ratio.mean() - 1) < 0.03  # of 180 pairs x 128 samples, partly correlated
    assert np.abs(ratio - 1).max() < 5 / np.sqrt(2 * uncertainty.SAMPLES)
    np.testing.assert_array_equal(estimated, found.std(kernel, train, other))  # the seed is fixed


def test_drawn_functions_have_the_covariance_of_the_kernel():
    # Drugs 0 and 2 have one parent: a sparse factor, singular, of two groups of drugs.
    same = sp.csr_array(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], np.float32))
    cell = np.array([[1, 0.5], [0.5, 1]], np.float32)
    kernel = PairKernel((Term(same, cell), Term(np.eye(3, dtype=np.float32), cell)))
    pairs = Pairs(np.repeat([0, 1, 2], 2), np.tile([0, 1], 3))
    drawn = uncertainty.draw_prior(kernel, pairs, 20_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn @ drawn.T / 20_000, kernel.between(pairs, pairs), atol=0.06)


def test_solutions_repeat(system, monkeypatch):
    never_formed(monkeypatch)
    kernel, train, noise, targets, _ = system
    first, second = (solve(kernel, train, noise, targets, method="iterative").weights for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_auto_is_exact_up_to_the_limit(system):
    kernel, train, noise, targets, _ = system
    assert solve(kernel, train, noise, targets, exact_limit=300).method == "exact"
    assert solve(kernel, train, noise, targets, exact_limit=299).method == "iterative"


def test_too_many_signatures_for_the_exact_method():
    many = Pairs(np.zeros(60_000, np.int64), np.zeros(60_000, np.int64))
    kernel = PairKernel((Term(np.eye(1, dtype=np.float32), np.eye(1, dtype=np.float32)),))
    with pytest.raises(
        InputError, match=r"60,000 signatures need 28\.8 GB .*exact_limit is 10,000; set method"
    ):
        solve(kernel, many, np.ones(60_000), np.zeros((60_000, 1)), method="exact")


@pytest.mark.parametrize("method", ["exact", "iterative"])
def test_an_indefinite_kernel_names_its_term(system, method, monkeypatch):
    never_formed(monkeypatch)
    kernel, train, noise, targets, _ = system
    drug = np.eye(DRUGS, dtype=np.float32)
    drug[:2, :2] = [[1, 9], [9, 1]]
    wrong = PairKernel((kernel.terms[1], Term(drug, kernel.terms[0].cell, "walk")))
    with pytest.raises(
        InputError, match=r"not positive definite: that of drugs in walk has the eigenvalue -8;.*noise"
    ):
        solve(wrong, train, noise, targets, method=method)


def test_no_function_is_drawn_from_an_indefinite_kernel():
    with pytest.raises(InputError, match="kernel of drugs in walk is not positive definite"):
        uncertainty.root(np.array([[1, 2], [2, 1]], np.float32), "drugs in walk")


@pytest.mark.parametrize("noise", [0.0, -1.0, np.nan, np.inf])
def test_noise_must_be_positive(system, noise):
    kernel, train, _, targets, _ = system
    with pytest.raises(InputError, match="noise must be positive and finite"):
        solve(kernel, train, np.full(300, noise), targets)


def test_targets_must_be_finite(system):
    kernel, train, noise, targets, _ = system
    targets[7, 2] = np.nan
    with pytest.raises(InputError, match="1 signatures have values that are not finite; the first is 7"):
        solve(kernel, train, noise, targets)


def test_no_training_pairs(kernel):
    empty = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(InputError, match="no training pairs"):
        solve(kernel, empty, np.zeros(0), np.zeros((0, 1)))


@pytest.mark.parametrize("method", ["exact", "iterative"])
def test_one_signature_and_equal_ones(kernel, method):
    one = Pairs(np.zeros(1, np.int64), np.zeros(1, np.int64))
    size = kernel.diagonal(one)[0]
    found = solve(kernel, one, np.ones(1), np.array([[3.0]]), method=method)
    np.testing.assert_allclose(found.weights, [[3 / (1 + size)]], rtol=1e-5)
    same = Pairs(np.zeros(4, np.int64), np.zeros(4, np.int64))
    found = solve(kernel, same, np.ones(4), np.full((4, 1), 3.0), method=method)
    np.testing.assert_allclose(found.weights, np.full((4, 1), 3 / (1 + 4 * size)), rtol=1e-5)
