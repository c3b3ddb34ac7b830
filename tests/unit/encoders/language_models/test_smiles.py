"""The SMILES tokeniser: examples of the published one, and another implementation of its rules."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_molformer import VOCABULARY
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from perturbkg.encoders._language_models.smiles import SmilesTokeniser
from perturbkg.errors import InputError

# Ids of the published vocabulary that its own tests show for aspirin.
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
PUBLISHED = {"<bos>": 0, "<eos>": 1, "<pad>": 2, "<mask>": 3, "<unk>": 2361}
PUBLISHED |= {"C": 4, "c": 5, "(": 6, ")": 7, "1": 8, "O": 9, "=": 12}
ASPIRIN_IDS = [0, 4, 4, 6, 12, 9, 7, 9, 5, 8, 5, 5, 5, 5, 5, 8, 4, 6, 12, 9, 7, 9, 1]
UNKNOWN = VOCABULARY["<unk>"]


@pytest.fixture
def tokeniser() -> SmilesTokeniser:
    return SmilesTokeniser(VOCABULARY)


def library() -> Tokenizer:
    """Return the same rules in the library that runs the published tokenizer.json."""
    made = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    pattern = (
        r"(\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)"
        r"|\.|=|#|-|\+|\\|\/|:|~|@|\?|>|\*|\$|\%[0-9]{2}|[0-9])"
    )
    made.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    ends = [(token, VOCABULARY[token]) for token in ("<bos>", "<eos>")]
    made.post_processor = processors.TemplateProcessing(single="<bos> $A <eos>", special_tokens=ends)
    return made


def test_aspirin_as_published() -> None:
    tokeniser = SmilesTokeniser(PUBLISHED)
    assert tokeniser.encode([ASPIRIN], 512) == [ASPIRIN_IDS]
    assert tokeniser.lengths([ASPIRIN]) == [len(ASPIRIN_IDS)]
    assert tokeniser.pad == 2


def test_two_letters_brackets_and_large_rings_are_one_token(tokeniser: SmilesTokeniser) -> None:
    ids = tokeniser.encode(["Cl[C@@H]1C", "C%12C", "[Se]C"], 512)
    assert ids[0][1:-1] == [VOCABULARY[token] for token in ("Cl", "[C@@H]", "1", "C")]
    assert ids[1][1:-1] == [VOCABULARY["C"], UNKNOWN, VOCABULARY["C"]]  # %12 is not in this vocabulary
    assert ids[2][1:-1] == [UNKNOWN, VOCABULARY["C"]]


def test_each_run_of_characters_outside_smiles_is_one_unknown_token(
    tokeniser: SmilesTokeniser,
) -> None:
    assert tokeniser.encode(["CéüC", "Xy", "C C", "C[C"], 512) == [
        [0, VOCABULARY["C"], UNKNOWN, VOCABULARY["C"], 1],
        [0, UNKNOWN, 1],
        [0, VOCABULARY["C"], UNKNOWN, VOCABULARY["C"], 1],
        [0, VOCABULARY["C"], VOCABULARY["["], VOCABULARY["C"], 1],
    ]


def test_texts_with_unknown_tokens_are_counted_in_the_log(
    tokeniser: SmilesTokeniser, caplog: pytest.LogCaptureFixture
) -> None:
    tokeniser.encode(["CC", "CéüC", "Xy%12"], 512)
    assert caplog.messages == ["2 of 3 SMILES have atoms or characters unknown to the model, such as 'CéüC'"]
    caplog.clear()
    tokeniser.encode(["CC", "CO"], 512)
    assert not caplog.messages


def test_a_cut_text_keeps_its_end_token_and_reports_its_length(tokeniser: SmilesTokeniser) -> None:
    (ids,) = tokeniser.encode(["C" * 10_000], 512)
    assert ids == [0, *[VOCABULARY["C"]] * 510, 1]
    assert tokeniser.lengths(["C" * 10_000]) == [10_002]
    assert tokeniser.encode(["CCC"], 5) == [[0, *[VOCABULARY["C"]] * 3, 1]]


@given(text=st.text(alphabet='CcOoBrlNnSs()=#12%[]@H+-./\\é <>"', min_size=1).filter(str.strip))
def test_agrees_with_the_library(text: str) -> None:
    tokeniser = SmilesTokeniser(VOCABULARY)
    expected = library().encode(text).ids
    assert tokeniser.encode([text], 10_000) == [expected]
    assert tokeniser.lengths([text]) == [len(expected)]


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text(tokeniser: SmilesTokeniser, text: str) -> None:
    with pytest.raises(InputError, match="SMILES: an empty text has no tokens; remove it"):
        tokeniser.encode(["C", text], 512)


def test_too_short_a_length(tokeniser: SmilesTokeniser) -> None:
    with pytest.raises(InputError, match="max_length: 2 leaves no room"):
        tokeniser.encode(["C"], 2)


@pytest.mark.parametrize("content", [VOCABULARY, {"model": {"type": "WordLevel", "vocab": VOCABULARY}}])
def test_both_files_of_the_hub(tmp_path: Path, content: dict[str, object]) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(content))
    assert SmilesTokeniser.read(path).vocabulary == VOCABULARY


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Expecting"),
        ("[]", "object"),
        ('{"model": {}}', "vocab"),
        ('{"model": {"vocab": 3}}', "int"),
        ('{"C": "4"}', "whole"),
    ],
)
def test_a_file_that_is_not_a_vocabulary(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"{path}: not a SMILES vocabulary .*{message}.*; fetch it again"):
        SmilesTokeniser.read(path)


def test_a_vocabulary_without_special_tokens(tmp_path: Path) -> None:
    path = tmp_path / "vocab.json"
    path.write_text('{"C": 4, "<bos>": 0, "<pad>": 2}')
    with pytest.raises(InputError, match=f"^{path}: SMILES vocabulary: lacks <eos>, <unk>; fetch"):
        SmilesTokeniser.read(path)
