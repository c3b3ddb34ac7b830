"""Tokenisers of the models whose vocabulary is a text file, one piece on each line: BERT's and ESM's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from perturbkg.errors import InputError


class WordPieces:
    """Cut a text into the word pieces of a BERT vocabulary."""

    def __init__(self, path: Path, *, lower: bool = False) -> None:
        """Read a `vocab.txt`; `lower` is for an uncased one, of letters in lower case without accents."""
        from transformers import BertTokenizer  # noqa: PLC0415 - takes seconds, which other tokenisers must not pay

        vocabulary = _read(path, ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
        self.pad, self._end = vocabulary["[PAD]"], vocabulary["[SEP]"]
        self._cut = BertTokenizer(vocab=vocabulary, do_lower_case=lower).backend_tokenizer

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return the ids from [CLS] to [SEP] of each text, at most `max_length`."""
        return [
            ids if len(ids) <= max_length else [*ids[: max_length - 1], self._end] for ids in self._ids(texts)
        ]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, [CLS] and [SEP] included, before anything is cut."""
        return [len(ids) for ids in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._cut.encode_batch_fast(list(texts))]


class Residues:
    """Cut a protein into its residues, one token each, whatever the letter and however long the protein.

    A BERT vocabulary has two pieces for a residue, `A` at the start and `##A` elsewhere; ESM's has one.
    BERT's own tokeniser would make one unknown token of a whole protein that is longer than its longest word,
    or that has a single letter which the vocabulary lacks. Here such a letter is one token.
    """

    def __init__(self, path: Path, *, begin: str, end: str, pad: str, unknown: str) -> None:
        """Read a `vocab.txt`, in which the special tokens have these names."""
        vocabulary = _read(path, (begin, end, pad, unknown))
        self.pad = vocabulary[pad]
        self._begin, self._end = vocabulary[begin], vocabulary[end]
        inner = "##" if any(piece.startswith("##") for piece in vocabulary) else ""
        self._first = _by_letter(vocabulary, "", vocabulary[unknown])
        self._inner = _by_letter(vocabulary, inner, vocabulary[unknown])

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return the ids of each protein between those of the two ends, at most `max_length`."""
        return [self._ids(_letters(text)[: max_length - 2]) for text in texts]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many residues each protein has, and the two ends, before anything is cut."""
        return [len(_letters(text)) + 2 for text in texts]

    def _ids(self, letters: str) -> list[int]:
        codes = np.frombuffer(letters.encode("latin-1", "replace"), dtype=np.uint8)
        first, inner = self._first[codes[:1]], self._inner[codes[1:]]
        return [self._begin, *first.tolist(), *inner.tolist(), self._end]


def _letters(protein: str) -> str:
    """Return a sequence without spaces and line ends, soft-masked (lower-case) residues like others."""
    return "".join(protein.split()).upper()


def _by_letter(vocabulary: Mapping[str, int], before: str, unknown: int) -> np.ndarray:
    """Return the id of each of 256 letters.

    ASSUME: a letter that the vocabulary lacks (U, O, a stop) is as any residue, X, where it has that one.
    """
    ids = np.full(256, vocabulary.get(f"{before}X", unknown), dtype=np.int64)
    for code in range(256):
        ids[code] = vocabulary.get(before + chr(code), ids[code])
    return ids


def _read(path: Path, special: Sequence[str]) -> dict[str, int]:
    """Return piece -> id, its line; raise InputError if a special token is missing."""
    try:
        pieces = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a vocabulary ({error}); fetch it again") from error
    vocabulary = {piece.strip(): number for number, piece in enumerate(pieces)}
    if lacking := [token for token in special if token not in vocabulary]:
        raise InputError(f"{path}: {', '.join(lacking)} is missing; fetch the model's own vocab.txt")
    return vocabulary
