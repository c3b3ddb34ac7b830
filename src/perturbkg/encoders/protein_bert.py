"""Protein BERT: the vector of a protein by a BERT that was trained on the sequences of human proteins."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel

if TYPE_CHECKING:
    from torch import nn

    from perturbkg.encoders._language_models import Tokeniser


@dataclass(frozen=True)
class ProteinBert(LanguageModel):
    """bert-base-proteins, the protein model of PrimeKG++: a token for each residue, 768 columns."""

    modality: ClassVar[Modality] = "sequence"
    instead: ClassVar[str] = "amino_acids"
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        "config.json",
        "vocab.txt",
        ("model.safetensors", "pytorch_model.bin"),
    )
    # By their sizes, this revision's checkpoint has 50 pieces and 512 positions, and its vocabulary has five
    # special tokens and single residues. Revisions of 2023 had pieces of several residues.
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {
        ("unikei/bert-base-proteins", "1baa5957e552893717f7e36e1823957dfe74218c"): {
            "model.safetensors": "1f14d5b0e88dbfe46bb7bf9e04214a6dd006f14d67221d63a356419a34b33acf"
        }
    }

    model: str = "unikei/bert-base-proteins"
    revision: str = "1baa5957e552893717f7e36e1823957dfe74218c"

    def architecture(self, files: dict[str, Path]) -> tuple["nn.Module", "Tokeniser"]:
        """Return the model and its tokeniser."""
        from perturbkg.encoders._language_models.bert import bert  # noqa: PLC0415
        from perturbkg.encoders._language_models.tokenisers import Residues  # noqa: PLC0415

        model = bert(files["config.json"], files["model.safetensors"], self.max_length)
        tokeniser = Residues(files["vocab.txt"], begin="[CLS]", end="[SEP]", pad="[PAD]", unknown="[UNK]")
        return model, tokeniser
