"""Tokenisers: the same tokens as transformers for words, and one token for each residue in any case."""

import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizer, EsmTokenizer

from perturbkg.encoders._language_models.tokenisers import Residues, WordPieces
from perturbkg.errors import InputError

PROTEIN = "MSDVAIVKEGWLHKRGEYIKTWRPRYF"


def written(folder, vocabulary):
    path = folder / "vocab.txt"
    path.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return WordPieces(written(tmp_path_factory.mktemp("words"), tiny_models.WORDS))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    path = written(tmp_path_factory.mktemp("bert"), tiny_models.BERT_RESIDUES)
    return Residues(path, begin="[CLS]", end="[SEP]", pad="[PAD]", unknown="[UNK]")


@pytest.fixture(scope="module")
def esm_path(tmp_path_factory):
    return written(tmp_path_factory.mktemp("esm"), tiny_models.ESM_RESIDUES)


@pytest.fixture(scope="module")
def esm(esm_path):
    return Residues(esm_path, begin="<cls>", end="<eos>", pad="<pad>", unknown="<unk>")


def test_words_keep_their_case(words):
    [ids] = words.encode(["An kinase X an"], 512)
    assert [tiny_models.WORDS[number] for number in ids] == [
        "[CLS]",
        "An",
        "kinase",
        "X",
        "a",
        "##n",
        "[SEP]",
    ]


def test_words_are_cut_before_the_last_token(words):
    texts = ["kinase . kinase , kinase", "kinase", ""]
    assert words.lengths(texts) == [7, 3, 2]
    assert [len(ids) for ids in words.encode(texts, 5)] == [5, 3, 2]
    reference = BertTokenizer(
        vocab={word: number for number, word in enumerate(tiny_models.WORDS)}, do_lower_case=False
    )
    assert words.encode(texts, 5) == reference(texts, max_length=5, truncation=True)["input_ids"]


@given(st.text(tiny_models.RESIDUES, min_size=1, max_size=90))
def test_residues_are_those_of_the_tokenisers_of_bert_and_esm(bert, esm, esm_path, protein):
    reference = BertTokenizer(
        vocab={piece: number for number, piece in enumerate(tiny_models.BERT_RESIDUES)}, do_lower_case=False
    )
    assert bert.encode([protein], 512) == [reference(protein)["input_ids"]]
    assert esm.encode([protein], 1024) == [EsmTokenizer(esm_path)(protein)["input_ids"]]


@pytest.mark.parametrize("name", ["bert", "esm"])
def test_a_protein_of_ten_thousand_residues_is_cut(name, request):
    residues = request.getfixturevalue(name)
    assert residues.lengths(["M" + "A" * 9_999]) == [10_002]
    [ids] = residues.encode(["M" + "A" * 9_999], 512)
    assert len(ids) == 512
    assert ids[-1] == residues.encode([""], 512)[0][-1]
    assert ids[:-1] == residues.encode(["M" + "A" * 9_999], 10_002)[0][:511]


@pytest.mark.parametrize("name", ["bert", "esm"])
def test_an_unusual_letter_is_one_token_and_does_not_affect_the_others(name, request):
    residues = request.getfixturevalue(name)
    plain, odd = residues.encode([PROTEIN, PROTEIN[:5] + "*" + PROTEIN[6:]], 512)
    assert [place for place, (one, other) in enumerate(zip(plain, odd, strict=True)) if one != other] == [6]
    assert odd == residues.encode([PROTEIN[:5] + "X" + PROTEIN[6:]], 512)[0]
    assert residues.encode(["M\N{GREEK SMALL LETTER ALPHA}A"], 512)[0] == residues.encode(["M?A"], 512)[0]


@pytest.mark.parametrize("name", ["bert", "esm"])
def test_case_and_line_ends_do_not_matter(name, request):
    residues = request.getfixturevalue(name)
    assert residues.encode(["msdv\naivk EGW"], 512) == residues.encode(["MSDVAIVKEGW"], 512)
    assert residues.lengths(["msdv\naivk EGW"]) == [13]


def test_esm_knows_rare_residues(esm):
    assert esm.encode(["U"], 9)[0][1] == tiny_models.ESM_RESIDUES.index("U")


def test_a_vocabulary_without_special_tokens_is_reported(tmp_path):
    with pytest.raises(
        InputError, match=r"vocab.txt: \[PAD\], \[UNK\], \[CLS\], \[SEP\], \[MASK\] is missing"
    ):
        WordPieces(written(tmp_path, ["a", "b"]))


def test_a_vocabulary_that_is_not_text_is_reported(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="not a vocabulary"):
        WordPieces(path)
