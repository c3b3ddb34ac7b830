"""Hashed text: unit length, similar texts close to each other, words and characters both used."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.encoders.hashed_text import HashedText


def test_one_letter_is_one_signed_word() -> None:
    # One word of one letter: one hashed word, and three characters " x " within the word's bounds.
    words, characters = np.split(HashedText(words=8, characters=16).encode(["x"])[0], [8])
    assert sorted(np.abs(words)) == [0] * 7 + [np.float32(np.sqrt(0.5))]
    assert sorted(np.abs(characters)) == [0] * 15 + [np.float32(np.sqrt(0.5))]


def test_similar_texts_are_close() -> None:
    one, two, three = HashedText(words=256, characters=256).encode(
        ["inhibitor of a tyrosine kinase", "tyrosine kinase inhibitor", "autosomal recessive anaemia"]
    )
    assert one @ two > 0.5
    assert abs(one @ three) < 0.2


def test_case_does_not_matter() -> None:
    one, two = HashedText().encode(["AKT1 Kinase", "akt1 kinase"])
    assert np.array_equal(one, two)


def test_text_without_words_is_encoded_by_its_characters() -> None:
    assert np.isclose(np.linalg.norm(HashedText().encode(["+++"])), 1)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_length_is_one_or_zero(texts: list[str]) -> None:
    matrix = HashedText().encode(texts)
    assert matrix.shape == (len(texts), 128)
    lengths = np.linalg.norm(matrix, axis=1)
    assert (np.isclose(lengths, 1, atol=1e-6) | (lengths == 0)).all()
