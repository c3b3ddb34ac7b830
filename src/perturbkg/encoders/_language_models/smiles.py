"""The tokeniser of MoLFormer: reads its vocabulary file, cuts SMILES into atoms, bonds and rings."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from perturbkg.errors import InputError

_LOG = logging.getLogger(__name__)
# Schwaller et al. 2019, doi:10.1021/acscentsci.9b00576, as MoLFormer uses it.
_TOKEN = re.compile(
    r"\[[^\]]+\]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>|\*|\$|%[0-9]{2}|[0-9]"
)
_SPECIAL = {"begin": "<bos>", "end": "<eos>", "pad": "<pad>", "unknown": "<unk>"}


class SmilesTokeniser:
    """Cut SMILES by a regular expression; what it does not match, or the vocabulary lacks, is `<unk>`."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """Take a vocabulary, token -> id; raise InputError if it lacks a special token."""
        lacking = [token for token in _SPECIAL.values() if token not in vocabulary]
        if lacking:
            raise InputError(f"SMILES vocabulary: lacks {', '.join(lacking)}; fetch the model's own file")
        self.vocabulary = dict(vocabulary)
        self.begin, self.end, self.pad, self.unknown = (vocabulary[token] for token in _SPECIAL.values())

    @classmethod
    def read(cls, path: Path) -> "SmilesTokeniser":
        """Read a `vocab.json` (token -> id) or a `tokenizer.json` (the same under model.vocab)."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            vocabulary = found["model"]["vocab"] if isinstance(found.get("model"), dict) else found
            if not all(isinstance(number, int) for number in vocabulary.values()):
                raise ValueError("ids must be whole numbers")
        except (ValueError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: not a SMILES vocabulary ({error}); fetch it again") from error
        try:
            return cls(vocabulary)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return ids from `<bos>` to `<eos>`, at most `max_length` (3 or more) of them.

        Raises InputError for an empty text.
        """
        if max_length < 3:
            raise InputError(
                f"max_length: {max_length} leaves no room between <bos> and <eos>; set 3 or more"
            )
        found = [self._ids(text) for text in texts]
        odd = [text for text, ids in zip(texts, found, strict=True) if self.unknown in ids]
        if odd:
            _LOG.warning(
                "%d of %d SMILES have atoms or characters unknown to the model, such as %r",
                len(odd),
                len(texts),
                odd[0],
            )
        return [[self.begin, *ids[: max_length - 2], self.end] for ids in found]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, `<bos>` and `<eos>` included, before anything is cut."""
        return [len(self._ids(text)) + 2 for text in texts]

    def _ids(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens at its ends."""
        if not text.strip():
            raise InputError("SMILES: an empty text has no tokens; remove it from the source table")
        return [self.vocabulary.get(token, self.unknown) for token in _tokens(text)]


def _tokens(text: str) -> Iterator[str]:
    """Yield the tokens of a text in order; a stretch that is no SMILES is one, which no vocabulary has."""
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            yield text[end : match.start()]
        yield match.group()
        end = match.end()
    if end < len(text):
        yield text[end:]
