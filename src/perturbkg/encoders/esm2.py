"""ESM-2: the vector of a protein by a language model of UniRef (Lin et al. 2023)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from perturbkg.encoders import Modality
from perturbkg.encoders._language_model import LanguageModel

if TYPE_CHECKING:
    from torch import dtype, nn

    from perturbkg.encoders._language_models import Tokeniser


@dataclass(frozen=True)
class Esm2(LanguageModel):
    """ESM-2 of any size: 480 columns (12 layers) to 1,280 (33); doi:10.1126/science.ade2574.

    It was trained on stretches of 1,022 residues.
    """

    modality: ClassVar[Modality] = "sequence"
    instead: ClassVar[str] = "amino_acids"
    files: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        "config.json",
        "vocab.txt",
        ("model.safetensors", "pytorch_model.bin"),
    )
    digests: ClassVar[dict[tuple[str, str], dict[str, str]]] = {
        ("facebook/esm2_t12_35M_UR50D", "6fbf070e65b0b7291e7bbcd451118c216cff79d8"): {
            "config.json": "ae07364efa51e0fa1d81da3fe608f6d948abdbbb69785ba6e1df379a458e58ee",
            "vocab.txt": "0b82cc0a7c7cf9e567b1e5892d793285b9fbae822c964ca48696f7db44598e03",
        },
        ("facebook/esm2_t30_150M_UR50D", "a695f6045e2e32885fa60af20c13cb35398ce30c"): {
            "model.safetensors": "c3f1da8aea53bddd32c246c86168c23b9fd72341fb9db9a94436f855f5053566"
        },
        ("facebook/esm2_t33_650M_UR50D", "08e4846e537177426273712802403f7ba8261b6c"): {
            "model.safetensors": "a08adabb949fa67ad3c14b509d04fd60368b35007b0095e3358f81200c4f4db0"
        },
    }

    model: str = "facebook/esm2_t12_35M_UR50D"
    revision: str = "6fbf070e65b0b7291e7bbcd451118c216cff79d8"
    max_length: int = 1024

    def architecture(self, files: dict[str, Path]) -> tuple["nn.Module", "Tokeniser"]:
        """Return the model and its tokeniser."""
        from perturbkg.encoders._language_models.bert import esm  # noqa: PLC0415
        from perturbkg.encoders._language_models.tokenisers import Residues  # noqa: PLC0415

        model = esm(files["config.json"], files["model.safetensors"], self.max_length)
        tokeniser = Residues(files["vocab.txt"], begin="<cls>", end="<eos>", pad="<pad>", unknown="<unk>")
        return model, tokeniser

    def cast(self, model: "nn.Module", precision: "dtype") -> "nn.Module":
        """Return the model in another number format, all but the frequencies of its rotary positions.

        In bfloat16, which has eight bits, the angle at position 500 would be wrong by a radian and more.
        """
        rotary = model.get_submodule("model.rotary_embeddings")
        frequencies = rotary.get_buffer("inv_freq")
        model = super().cast(model, precision)
        rotary.inv_freq = frequencies
        return model
