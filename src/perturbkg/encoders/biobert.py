"""BioBERT: the vector of a text by a BERT that was trained on the abstracts of PubMed (Lee et al. 2020)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel

if TYPE_CHECKING:
    from torch import nn

    from perturbkg.encoders._language_models import Tokeniser


@dataclass(frozen=True)
class BioBert(LanguageModel):
    """BioBERT or another cased BERT, 768 columns; doi:10.1093/bioinformatics/btz682."""

    modality: ClassVar[Modality] = "text"
    instead: ClassVar[str] = "hashed_text"
    # The pinned revision has no safetensors; the checkpoint is read as tensors alone, never as code.
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        "config.json",
        "vocab.txt",
        ("pytorch_model.bin", "model.safetensors"),
    )
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {
        ("dmis-lab/biobert-v1.1", "551ca18efd7f052c8dfa0b01c94c2a8e68bc5488"): {
            "pytorch_model.bin": "8e87cb27d889186c442feff2bea53f8cce2c5fc24d4bc88bf08ccd3821b138dc"
        }
    }

    model: str = "dmis-lab/biobert-v1.1"
    revision: str = "551ca18efd7f052c8dfa0b01c94c2a8e68bc5488"

    def architecture(self, files: dict[str, Path]) -> tuple["nn.Module", "Tokeniser"]:
        """Return the model and its tokeniser."""
        from perturbkg.encoders._language_models.bert import bert  # noqa: PLC0415
        from perturbkg.encoders._language_models.tokenisers import WordPieces  # noqa: PLC0415

        model = bert(files["config.json"], files["pytorch_model.bin"], self.max_length)
        return model, WordPieces(files["vocab.txt"])
