"""The engine: each text has its own vector, for any order, windows and batches."""

import logging
import re
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy_language_model import WIDTH, Characters, Sums

from perturbkg.encoders._language_models.engine import embed
from perturbkg.errors import InputError

OPTIONS = {"pooling": "cls", "max_length": 512, "tokens_per_batch": 64}
TEXTS = ["kinase", "x", "", "a longer text, of several words", "x", "kinase inhibitor"]


def expected(text, pooling="cls", max_length=512):
    """Return the vector of a text, from the definition of `Sums`."""
    ids = np.array(Characters().encode([text], max_length)[0]) * 0.01
    powers = ids[:, None] ** np.arange(1, WIDTH + 1)
    first = powers.sum(axis=0)
    return first if pooling == "cls" else (first + powers[1:].sum(axis=0)) / len(ids)


def collected(texts, model=None, **options):
    """Return the vectors and tokens of texts in their order."""
    parts = list(embed(model or Sums(), Characters(), iter(texts), **{**OPTIONS, **options}))
    rows = np.concatenate([part.rows for part in parts])
    assert sorted(rows) == list(range(len(texts)))
    order = np.argsort(rows)
    return (
        np.concatenate([part.vectors for part in parts])[order],
        np.concatenate([part.tokens for part in parts])[order],
    )


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_worked_example(pooling):
    vectors, tokens = collected(TEXTS, pooling=pooling)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [expected(text, pooling) for text in TEXTS], rtol=1e-5)
    assert tokens.tolist() == [len(text) + 2 for text in TEXTS]


@given(
    texts=st.lists(st.text("abcd ", max_size=12), min_size=1, max_size=30),
    window=st.integers(1, 40),
    tokens_per_batch=st.integers(1, 200),
    pooling=st.sampled_from(["cls", "mean"]),
)
def test_order_windows_and_batches_do_not_change_a_vector(texts, window, tokens_per_batch, pooling):
    model = Sums()
    vectors, _ = collected(texts, model, window=window, tokens_per_batch=tokens_per_batch, pooling=pooling)
    np.testing.assert_allclose(vectors, [expected(text, pooling) for text in texts], rtol=1e-5, atol=1e-5)
    assert all(rows * longest <= tokens_per_batch or rows == 1 for rows, longest in model.sizes)


def test_a_text_is_computed_once_in_its_window():
    model = Sums()
    vectors, _ = collected(["same"] * 50 + ["other"], model)
    assert sum(rows for rows, _ in model.sizes) == 2
    assert len(np.unique(vectors, axis=0)) == 2


def test_longer_texts_are_cut_and_counted():
    vectors, tokens = collected(["abcdefgh", "abc", "abcdefg"], max_length=5)
    assert tokens.tolist() == [10, 5, 9]  # the second one just fits
    np.testing.assert_allclose(vectors[0], expected("abc"), rtol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=1e-5)


def test_batches_hold_tokens_not_texts():
    model = Sums()
    collected(["a" * 30, *(letter * 2 for letter in "bcdefghijklmnop")], model, tokens_per_batch=32)
    assert model.sizes[0] == (1, 32)
    assert model.sizes[1] == (8, 4)


def test_texts_are_read_as_they_are_needed():
    """At most the current window, the prepared one, and the one being read."""
    taken = []
    texts = (taken.append(number) or f"text {number}" for number in range(10_000))
    parts = embed(Sums(), Characters(), texts, **OPTIONS, window=100)
    next(parts)
    parts.close()
    assert 100 <= len(taken) <= 300
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


class Greedy(Sums):
    """It requests more memory than any machine has."""

    def forward(self, ids, mask):
        try:
            return super().forward(ids, mask)
        except torch.OutOfMemoryError:
            return torch.empty(10**15)


@pytest.mark.parametrize("kind", [Sums, Greedy], ids=["CUDA", "CPU"])
def test_out_of_memory_halves_the_batch_and_goes_on(kind, caplog):
    model = kind(at_most=20)
    texts = [f"{number:03}" for number in range(40)]  # 5 tokens each
    with caplog.at_level(logging.WARNING):
        vectors, _ = collected(texts, model, tokens_per_batch=100)
    np.testing.assert_allclose(vectors, [expected(text) for text in texts], rtol=1e-5)
    assert model.sizes[:4] == [(20, 5), (10, 5), (5, 5), (2, 5)]
    assert set(model.sizes[4:]) == {(2, 5)}
    assert len(caplog.records) == 3


def test_one_text_too_large_for_the_memory_is_reported():
    with pytest.raises(InputError, match="out of memory on one input of 52 tokens; set a smaller max_length"):
        collected(["a" * 50], Sums(at_most=20))


def test_an_error_while_texts_are_read_is_passed_on():
    def texts():
        yield "fine"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(embed(Sums(), Characters(), texts(), **OPTIONS))


def test_no_texts_give_no_vectors():
    assert list(embed(Sums(), Characters(), [], **OPTIONS)) == []


def test_an_unknown_pooling_is_reported_before_anything_runs():
    with pytest.raises(InputError, match=re.escape("pooling: 'max'")):
        next(embed(Sums(), Characters(), ["a"], **{**OPTIONS, "pooling": "max"}))


def test_a_defect_of_a_model_is_not_taken_for_lack_of_memory():
    def fail(_):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        collected(["a"], Sums(before=fail))
