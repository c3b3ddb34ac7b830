"""The training loop: losses by hand, which weights it keeps, when it stops, what global state it restores."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from perturbkg.data import Pairs, Signatures
from perturbkg.errors import InputError
from perturbkg.training import loop
from perturbkg.training.adamw import AdamW
from perturbkg.training.diverged import DivergedError
from perturbkg.training.loop import (
    LOSSES,
    Network,
    Recipe,
    pearson,
    reproducible,
    residuals,
    train_network,
    uses_bfloat16,
    validation_score,
)

RECIPE = Recipe(epochs=5, patience=5, batch=4, learning_rate=0.1, weight_decay=0.0, loss="mse")
CENTRE = np.zeros((2, 3), np.float32)


class Lookup(Network):
    """One residual for each drug; counts how often the graph is encoded."""

    def __init__(self, drugs: int = 4, genes: int = 3) -> None:
        super().__init__()
        self.residual = nn.Parameter(torch.zeros(drugs, genes))
        self.encoded = 0

    def encode(self) -> Tensor:
        self.encoded += 1
        return self.residual * 1

    def decode(self, encoded: Tensor, drug: Tensor, cell: Tensor) -> Tensor:
        return encoded[drug]


def signatures(delta: list[list[float]]) -> Signatures:
    return Signatures(np.arange(len(delta)), np.zeros(len(delta), np.int64), np.array(delta, np.float32))


TRAIN = signatures([[1, 0, -1], [2, 1, 0], [0, 3, 1], [1, 1, -4]])


def train(network: Network, validation: Signatures = TRAIN, recipe: Recipe = RECIPE, **options):
    generator = torch.Generator().manual_seed(0)
    return train_network(
        network, TRAIN, validation, centre=CENTRE, recipe=recipe, generator=generator, **options
    )


def test_pearson_by_hand():
    predicted = torch.tensor([[1.0, 2, 3], [1, 2, 3], [5, 5, 5], [0, 1, 0]])
    observed = torch.tensor([[2.0, 4, 6], [3, 2, 1], [1, 2, 3], [1, 0, 0]])
    assert pearson(predicted, observed).tolist() == pytest.approx([1, -1, 0, -0.5])


@given(arrays(np.float32, (3, 5), elements=st.floats(-10, 10, width=32)), st.floats(0.5, 5), st.floats(-5, 5))
def test_pearson_is_bounded_and_ignores_scale_and_shift(rows: np.ndarray, scale: float, shift: float):
    other = torch.tensor([[1.0, 2, 3, 4, 5], [5, 3, 1, 2, 4], [0, 0, 0, 0, 1]])
    found = pearson(torch.from_numpy(rows), other)
    assert (found.abs() <= 1 + 1e-5).all()
    varied = rows.std(axis=1) > 1e-2
    moved = pearson(torch.from_numpy(rows * np.float32(scale) + np.float32(shift)), other)
    np.testing.assert_allclose(moved.numpy()[varied], found.numpy()[varied], atol=1e-3)


def test_losses_by_hand():
    predicted, observed = torch.tensor([[1.0, 0, -1]]), torch.tensor([[2.0, 0, -2]])
    assert LOSSES["mse"](predicted, observed).item() == pytest.approx(2 / 3)
    assert LOSSES["huber"](predicted, observed).item() == pytest.approx(1 / 3)
    assert LOSSES["cosine"](predicted, observed).item() == pytest.approx(0, abs=1e-6)
    # The variance of [2, 0, -2] is 4.
    assert LOSSES["mixed"](predicted, observed).item() == pytest.approx(2 / 3 / 4, abs=1e-6)


def test_it_learns_and_records_the_history():
    network = Lookup()
    history = train(network, recipe=Recipe(60, 60, 4, 0.1, 0.0, "mse"))
    assert [epoch["epoch"] for epoch in history] == list(range(1, 61))
    assert history[-1]["loss"] < 0.1 * history[0]["loss"]
    np.testing.assert_allclose(residuals(network, TRAIN), TRAIN.delta, atol=0.3)


def test_the_centre_is_added_before_the_loss():
    network = Lookup()
    centre = np.array([[9, 9, 9], [0, 0, 0]], np.float32)
    history = train_network(
        network,
        TRAIN,
        TRAIN,
        centre=centre,
        recipe=Recipe(1, 1, 4, 1e-9, 0.0, "mse"),
        generator=torch.Generator().manual_seed(0),
    )
    assert history[0]["loss"] == pytest.approx(np.square(TRAIN.delta - 9).mean(), rel=1e-5)


def test_training_stops_and_the_best_weights_are_kept():
    # The first drug starts at its validation value, and training reverses it within a few epochs.
    validation = signatures([[-1, 0, 1]])
    network = Lookup()
    with torch.no_grad():
        network.residual[0] = torch.tensor([-0.4, 0.0, 0.3])
    kept = []
    history = train(
        network, validation, Recipe(50, 6, 4, 0.1, 0.0, "mse"), after_epoch=lambda: kept.append(1)
    )
    scores = [epoch["validation"] for epoch in history]
    best = int(np.argmax(scores))
    assert len(history) == best + 1 + 6 == len(kept)
    assert scores[-1] < 0 < scores[best]
    after = pearson(torch.from_numpy(residuals(network, validation)), torch.from_numpy(validation.delta))
    assert after.mean().item() == pytest.approx(scores[best])


def test_the_last_weights_are_kept_where_that_is_asked_for():
    validation = signatures([[-1, 0, 1]])
    network = Lookup()
    with torch.no_grad():
        network.residual[0] = torch.tensor([-0.4, 0.0, 0.3])
    history = train(network, validation, Recipe(20, 3, 4, 0.1, 0.0, "mse", keep_last=True))
    assert len(history) == 20
    after = pearson(torch.from_numpy(residuals(network, validation)), torch.from_numpy(validation.delta))
    assert after.mean().item() == pytest.approx(history[-1]["validation"])
    assert history[-1]["validation"] < 0 < history[0]["validation"]


def test_a_loss_that_is_not_finite_names_the_epoch_and_records_the_batch():
    network = Lookup()
    with torch.no_grad():
        network.residual[2] += torch.nan
    message = (
        r"not finite in epoch 1, in a batch of 2 signatures whose largest delta is 4; lower learning_rate"
    )
    with pytest.raises(DivergedError, match=message) as error:
        train(network, recipe=dataclasses.replace(RECIPE, batch=2, learning_rate=0.0))
    assert 2 in error.value.rows
    assert len(error.value.rows) == 2
    assert error.value.weights == {}
    assert isinstance(error.value, InputError)


def test_the_last_good_weights_survive_a_loss_that_is_not_finite():
    """The weights of the best epoch are kept when a far too large learning rate makes the loss overflow."""
    network = Lookup()
    start = network.residual.detach().clone()
    with pytest.raises(DivergedError, match=r"epoch [2-9]") as error:
        train(network, recipe=Recipe(9, 9, 4, 1e19, 0.0, "mse"))
    kept = error.value.weights["residual"]
    assert kept.isfinite().all()
    assert not torch.equal(kept, start)


class Encoder(Network):
    """A linear map of frozen inputs and one that decodes it; double precision, two encoded values."""

    def __init__(self, decodes: bool = True) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.inputs = nn.Buffer(torch.randn(4, 5, generator=generator).double())
        self.inner = nn.Parameter(torch.randn(5, 6, generator=generator).double())
        self.outer = nn.Parameter(torch.randn(6, 3, generator=generator).double(), requires_grad=decodes)
        self.steps: list[list[str]] = []
        self.encoded = 0

    def encode(self) -> tuple[Tensor, Tensor]:
        self.encoded += 1
        return (self.inputs @ self.inner).tanh(), self.inputs

    def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
        return encoded[0][drug] @ self.outer + encoded[1][drug, :3]


def gradients_of(network: Encoder, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Train one epoch and return the gradient of `inner` at each step that had one."""
    found: list[Tensor] = []
    step = AdamW.step

    def watched(self, *arguments):
        if network.inner.grad is not None:
            found.append(network.inner.grad.clone())
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(AdamW, "step", watched)
        patch.setattr(Tensor, "float", lambda tensor: tensor)  # double precision throughout
        train(network, recipe=recipe)
    return found


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_the_gradient_of_a_whole_epoch_reaches_the_encoder_exactly(batch, monkeypatch):
    """For any batch size it equals one backward pass over all signatures; the decoder is frozen."""
    whole = Recipe(1, 1, 4, 1e-3, 0.0, "mse")
    (wanted,) = gradients_of(Encoder(decodes=False), whole, monkeypatch)
    network = Encoder(decodes=False)
    (found,) = gradients_of(
        network, dataclasses.replace(whole, batch=batch, encode_every="epoch"), monkeypatch
    )
    assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-12)
    assert network.encoded == 1 + 1  # the epoch, and its validation


def test_with_one_encoding_per_epoch_the_decoder_is_stepped_with_every_batch():
    once, again = Encoder(), Encoder()
    recipe = Recipe(1, 1, 2, 0.1, 0.0, "mse")
    train(once.float(), recipe=dataclasses.replace(recipe, encode_every="epoch"))
    train(again.float(), recipe=recipe)
    start = Encoder().float()
    for name in ("inner", "outer"):
        assert not torch.equal(getattr(once, name), getattr(start, name))
    # AdamW moves by the learning rate at each of its first steps: one of the encoder, two of the decoder.
    moved = [(getattr(once, name) - getattr(start, name)).abs().max().item() for name in ("inner", "outer")]
    assert moved[0] == pytest.approx(0.1, rel=1e-2)
    assert moved[1] > 0.11


def test_a_network_without_an_encoder_trains_the_same_either_way():
    class Plain(Lookup):
        def encode(self) -> None:
            return None

        def decode(self, encoded: None, drug: Tensor, cell: Tensor) -> Tensor:
            return self.residual[drug]

    one, other = Plain(), Plain()
    train(one)
    train(other, recipe=dataclasses.replace(RECIPE, encode_every="epoch"))
    assert torch.equal(one.residual, other.residual)


def test_a_gradient_of_an_epoch_that_is_not_finite_stops_it():
    class Steep(Encoder):
        def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
            return (encoded[0][drug] * 0).abs().sqrt() @ self.outer  # 0, with an infinite slope

    with pytest.raises(
        DivergedError, match="the gradient is not finite in epoch 1, in training whose"
    ) as error:
        train(Steep().float(), recipe=dataclasses.replace(RECIPE, encode_every="epoch"))
    assert error.value.rows is None


def test_an_epoch_that_leaves_weights_that_are_not_finite_stops_at_once():
    """The encoder is stepped last, so no loss of its epoch shows it."""

    class Torn(Encoder):
        def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
            if not self.training:
                with torch.no_grad():
                    self.inner.fill_(torch.nan)
                encoded = self.encode()
            return super().decode(encoded, drug, cell)

    with pytest.raises(DivergedError, match="the validation score is not finite in epoch 1") as error:
        train(Torn().float(), recipe=dataclasses.replace(RECIPE, epochs=1, encode_every="epoch"))
    assert error.value.weights == {}


def test_the_gradients_of_many_batches_add_up_in_mixed_precision():
    """Each of 600 batches adds 1/600; in bfloat16, 1/2 + 1/600 rounds to 1/2."""

    class Sum(Network):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Parameter(torch.zeros(1, 3))

        def encode(self) -> Tensor:
            return self.inner.bfloat16()

        def decode(self, encoded: Tensor, drug: Tensor, cell: Tensor) -> Tensor:
            return encoded[0 * drug]

    network = Sum()
    many = Signatures(np.zeros(600, np.int64), np.zeros(600, np.int64), np.ones((600, 3), np.float32))
    found = []
    network.inner.register_hook(found.append)
    recipe = Recipe(1, 1, 1, 1e-3, 0.0, "mse", encode_every="epoch", bfloat16=True)
    generator = torch.Generator().manual_seed(0)
    train_network(network, many, many, centre=CENTRE, recipe=recipe, generator=generator)
    # The gradient of the mean over three genes of (0 - 1) squared: -2 / 3.
    assert found[0].tolist() == [pytest.approx([-2 / 3] * 3, rel=1e-2)]


def test_mixed_precision_computes_in_bfloat16_and_keeps_weights_in_single_precision():
    kinds = []

    class Watched(Encoder):
        def decode(self, encoded: tuple[Tensor, Tensor], drug: Tensor, cell: Tensor) -> Tensor:
            kinds.append((self.training, encoded[0].dtype))
            return super().decode(encoded, drug, cell)

    network = Watched().float()
    history = train(network, recipe=Recipe(30, 30, 4, 0.05, 0.0, "mse", bfloat16=True))
    assert {kind for training, kind in kinds if training} == {torch.bfloat16}
    assert {kind for training, kind in kinds if not training} == {torch.float32}  # scores are exact
    assert network.inner.dtype == network.outer.dtype == torch.float32
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]


def test_auto_is_single_precision_without_a_gpu():
    assert not uses_bfloat16("auto", torch.device("cpu"))
    assert uses_bfloat16("bfloat16", torch.device("cpu"))
    with pytest.raises(InputError, match="'float8' is not known; write auto, float32, bfloat16"):
        uses_bfloat16("float8", torch.device("cpu"))


def test_the_graph_is_encoded_once_per_step_and_once_per_prediction(monkeypatch: pytest.MonkeyPatch):
    network = Lookup()
    monkeypatch.setattr(loop, "CHUNK", 2)
    found = residuals(network, Pairs(np.array([0, 1, 2, 3, 0]), np.zeros(5, np.int64)))
    assert found.shape == (5, 3)
    assert network.encoded == 1
    train(network, recipe=Recipe(1, 1, 2, 0.1, 0.0, "mse"))
    assert network.encoded == 1 + 2 + 1  # two steps of two signatures, one validation


def test_the_score_does_not_depend_on_how_many_profiles_are_in_memory(monkeypatch: pytest.MonkeyPatch):
    network, centre = Lookup(), np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    whole = validation_score(network, TRAIN, centre)
    monkeypatch.setattr(loop, "CHUNK", 3)
    assert validation_score(network, TRAIN, centre) == pytest.approx(whole)
    by_hand = [np.corrcoef(centre[0], delta)[0, 1] for delta in TRAIN.delta]
    assert whole == pytest.approx(np.mean(by_hand), rel=1e-5)


@pytest.mark.parametrize("failing", [False, True])
def test_global_state_of_torch_is_restored(failing: bool):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    draws = []
    for _ in range(2):
        try:
            with reproducible(3):
                assert torch.are_deterministic_algorithms_enabled()
                assert not torch.utils.deterministic.fill_uninitialized_memory
                draws.append(torch.rand(1).item())
                if failing:
                    raise ValueError
        except ValueError:
            assert failing
    assert draws[0] == draws[1]
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
