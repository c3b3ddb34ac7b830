"""MoLFormer-XL reads SMILES: the vector of its first token, or the mean over all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rdkit import Chem
from rdkit.rdBase import BlockLogs

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel
from perturbkg.errors import InputError

# PyTorch is imported where it is used: reading the options must not wait for it.
if TYPE_CHECKING:
    from torch import nn

    from perturbkg.encoders._language_models import Tokeniser

_PUBLISHED = {
    "config.json": "3ef9eaac8c7ca6282fd6256ed038d151bd4ff42a4ff855367e0d7197bbc1c284",
    "model.safetensors": "0795977fe7192c4acdaf052f0e8464af57bc4bb59211271c5e61aaba2637b9c6",
    "tokenizer.json": "3df1f2219653c44fac9fa03b7f788b372eb2544ecc176737bb9aca8411b471a5",
}


@dataclass(frozen=True)
class MolFormer(LanguageModel):
    """MoLFormer-XL on 10 % of ZINC and PubChem, 768 columns; Ross et al. 2022,
    doi:10.1038/s42256-022-00580-7.
    """

    modality: ClassVar[Modality] = "smiles"
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        "config.json",
        ("tokenizer.json", "vocab.json"),
        ("model.safetensors", "pytorch_model.bin"),
    )
    # The organisation has two names on the hub, and these files are the same at both commits.
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {
        (f"{organisation}/MoLFormer-XL-both-10pct", commit): _PUBLISHED
        for organisation in ("ibm", "ibm-research")
        for commit in ("361063d0ad524ef77cf39b08469f6be770dc550f", "7b12d946c181a37f6012b9dc3b002275de070314")
    }
    instead: ClassVar[str] = "morgan"

    model: str = "ibm/MoLFormer-XL-both-10pct"
    revision: str = "361063d0ad524ef77cf39b08469f6be770dc550f"
    # ASSUME: a molecule is written as in pretraining, whose SMILES were canonical and had no stereochemistry,
    # so that the vectors of tokens such as [C@@H] were not learned.
    canonical: bool = True
    """canonical SMILES without stereochemistry, as in pretraining; false: SMILES as they are given"""

    def architecture(self, files: dict[str, Path]) -> "tuple[nn.Module, Tokeniser]":
        """Return the model in float32 and its tokeniser."""
        from perturbkg.encoders._language_models.molformer import molformer  # noqa: PLC0415
        from perturbkg.encoders._language_models.smiles import SmilesTokeniser  # noqa: PLC0415

        model = molformer(files["config.json"], files["model.safetensors"])
        tokeniser = SmilesTokeniser.read(files["tokenizer.json"])
        highest, size = max(tokeniser.vocabulary.values()), model.embedding.num_embeddings
        if highest >= size:
            raise InputError(
                f"{files['tokenizer.json']}: has ids up to {highest}, but the model has {size} tokens; "
                "fetch the files of one model"
            )
        return model, tokeniser

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        """Encode SMILES into (n, width); one that RDKit cannot read is encoded as it is."""
        return super().encode([_canonical(smiles) for smiles in inputs] if self.canonical else inputs)


def _canonical(smiles: str) -> str:
    """Return the canonical SMILES without stereochemistry and isotopes, or the same text if it has none."""
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    return smiles if molecule is None else Chem.MolToSmiles(molecule, isomericSmiles=False)
