"""The encoder by MoLFormer on a tiny model: what it does to SMILES first, and which vector it returns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_molformer
import torch

from perturbkg.encoders._language_models.smiles import SmilesTokeniser
from perturbkg.encoders.molformer import MolFormer
from perturbkg.errors import InputError

ASPIRIN, ASPIRIN_OTHERWISE = "CC(=O)Oc1ccccc1C(=O)O", "O=C(O)c1ccccc1OC(C)=O"


def encoder(folder: Path, **options: Any) -> MolFormer:
    """Return the encoder with a tiny model, in float32 on the CPU."""
    tiny_molformer.write(folder / "lab--tiny")
    fixed = {"model": "lab/tiny", "revision": "main", "device": "cpu", "dtype": "float32"}
    return MolFormer(**fixed, weights_folder=folder, **options)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_vector_is_the_first_token_or_the_mean_of_all(tmp_path: Path, pooling: str) -> None:
    ids = torch.tensor(SmilesTokeniser(tiny_molformer.VOCABULARY).encode([ASPIRIN_OTHERWISE], 512))
    with torch.inference_mode():
        states = tiny_molformer.model()(ids, torch.ones_like(ids))[0].numpy()
    expected = states[0] if pooling == "cls" else states.mean(axis=0)
    found = encoder(tmp_path, pooling=pooling, canonical=False).encode(["C", ASPIRIN_OTHERWISE])
    assert np.allclose(found[1], expected, atol=1e-5)


def test_one_molecule_written_in_two_ways_has_one_vector(tmp_path: Path) -> None:
    one, other, stereo = encoder(tmp_path).encode([ASPIRIN, ASPIRIN_OTHERWISE, "C[C@@H](N)C(=O)O"])
    assert np.array_equal(one, other)
    assert not np.allclose(one, stereo, atol=1e-3)
    one, other = encoder(tmp_path, canonical=False).encode([ASPIRIN, ASPIRIN_OTHERWISE])
    assert not np.allclose(one, other, atol=1e-3)


def test_stereochemistry_is_left_out_as_in_pretraining(tmp_path: Path) -> None:
    pair = ["C[C@@H](N)C(=O)O", "C[C@H](N)C(=O)O"]
    one, other = encoder(tmp_path).encode(pair)
    assert np.array_equal(one, other)
    one, other = encoder(tmp_path, canonical=False).encode(pair)
    assert not np.allclose(one, other, atol=1e-3)


def test_a_text_that_is_not_smiles_is_encoded_with_unknown_tokens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = encoder(tmp_path).encode(["C", "C!C"])
    assert np.isfinite(found).all()
    assert "1 of 2 SMILES have atoms or characters unknown to the model, such as 'C!C'" in caplog.messages


def test_a_long_smiles_is_cut_and_counted(tmp_path: Path) -> None:
    made = encoder(tmp_path, max_length=12, canonical=False)
    one, other = made.encode(["C" * 10 + "O", "C" * 10 + "N" * 500])
    assert np.array_equal(one, other)
    assert made.counts.cut == 2


def test_an_empty_smiles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SMILES: an empty text has no tokens"):
        encoder(tmp_path).encode(["C", ""])


def test_the_vocabulary_of_another_model(tmp_path: Path) -> None:
    made = encoder(tmp_path)
    path = tmp_path / "lab--tiny" / "tokenizer.json"
    path.write_text(json.dumps({**tiny_molformer.VOCABULARY, "[Se]": 2361}))
    with pytest.raises(InputError, match=f"^{path}: has ids up to 2361, but the model has"):
        made.encode(["C"])


def test_files_under_the_published_name_must_be_the_published_ones(tmp_path: Path) -> None:
    tiny_molformer.write(tmp_path / "ibm--MoLFormer-XL-both-10pct")
    with pytest.raises(
        InputError, match=r"config\.json: its SHA-256 is .*, the published file has 3ef9eaac8c7c"
    ):
        MolFormer(weights_folder=tmp_path).encode(["C"])
