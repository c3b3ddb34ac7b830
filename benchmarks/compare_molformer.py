"""Compare the native MoLFormer with the published one: with numbers of its authors, or with their code.

python benchmarks/compare_molformer.py --weights resources/weights              # runs no code of the hub
python benchmarks/compare_molformer.py --weights resources/weights --official   # downloads and runs it

The first finds the weights as the encoder does and compares five numbers. The second needs a network and
TRUSTS THE CODE of the model's repository at the pinned commit; it compares the tokens and the last hidden
states of every SMILES, alone and in one padded batch. Ends with status 1 where something differs.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from perturbkg.encoders._language_models import weights
from perturbkg.encoders._language_models.molformer import molformer
from perturbkg.encoders._language_models.smiles import SmilesTokeniser
from perturbkg.encoders.molformer import MolFormer as Encoder
from perturbkg.errors import InputError

# Aspirin, and the first five columns of the mean over its tokens with `deterministic_eval`, as the authors
# tested them when they proposed the model to huggingface/transformers
# (tests/models/molformer/test_modeling_molformer.py at commit 620dbde6ccc0640ce9695d7efd50aa229d401ad5).
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
ASPIRIN_IDS = [0, 4, 4, 6, 12, 9, 7, 9, 5, 8, 5, 5, 5, 5, 5, 8, 4, 6, 12, 9, 7, 9, 1]
ASPIRIN_MEAN = [5.9427e-01, 4.5265e-01, 3.4374e-01, 6.6782e-01, -6.9957e-01]
SMILES = [
    ASPIRIN,
    "C",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "C[N+](C)(C)CC([O-])=O",
    "[Na+].[Cl-]",
    "N[Pt](N)(Cl)Cl",
    "O=C(O)[C@@H](N)Cc1ccccc1",
    "CN1CCN(Cc2ccc(C(=O)Nc3ccc(C)c(Nc4nccc(-c5cccnc5)n4)c3)cc2)CC1",
    "CC1=C2C(C(=O)C3(C(CC4C(C3C(C(C2(C)C)(CC1OC(=O)C(C(c5ccccc5)NC(=O)c6ccccc6)O)O)OC(=O)c7ccccc7)"
    "(CO4)OC(=O)C)O)C)OC(=O)C",
    "C" * 300,
]


def main() -> None:
    """Compare, and print the differences as JSON; the exit status is 1 if they are not small."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, help="folder of the weights; without it, the hub's own cache")
    parser.add_argument(
        "--official", action="store_true", help="run the code of the hub too, which is trusted"
    )
    parser.add_argument("--smiles", type=Path, help="a file of SMILES, one on each line, instead of a few")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest difference of two numbers")
    arguments = parser.parse_args()
    smiles = arguments.smiles.read_text().split() if arguments.smiles else SMILES
    encoder = Encoder(weights_folder=arguments.weights)
    found = weights.find(
        encoder.model,
        encoder.revision,
        encoder.files,
        arguments.weights,
        digests=encoder.digests[encoder.model, encoder.revision],
        instead=encoder.instead,
    )
    tokeniser = SmilesTokeniser.read(found["tokenizer.json"])
    native = molformer(found["config.json"], found["model.safetensors"])
    with torch.inference_mode():
        mean = native(*padded([ASPIRIN_IDS], tokeniser.pad))[0].mean(dim=0)
        report: dict[str, Any] = {
            "aspirin_has_the_published_tokens": tokeniser.encode([ASPIRIN], 512) == [ASPIRIN_IDS],
            "published_mean_differs_by": (mean[: len(ASPIRIN_MEAN)] - torch.tensor(ASPIRIN_MEAN))
            .abs()
            .max()
            .item(),
        }
        if arguments.official:
            report |= official(encoder, native, tokeniser, smiles)
    print(json.dumps(report, indent=2))
    differences = [value for key, value in report.items() if key.endswith("_by")]
    same = all(value for key, value in report.items() if key.endswith("_tokens"))
    # Not `value > tolerance`: a NaN must fail.
    if not same or not all(value <= arguments.tolerance for value in differences):
        sys.exit("the native MoLFormer differs from the published one")


def official(
    encoder: Encoder, native: torch.nn.Module, tokeniser: SmilesTokeniser, smiles: list[str]
) -> dict[str, Any]:
    """Return how the native model and tokeniser differ from those of the hub."""
    pinned = {"revision": encoder.revision, "trust_remote_code": True}
    theirs = transformers.AutoModel.from_pretrained(encoder.model, deterministic_eval=True, **pinned).eval()
    theirs_cut = transformers.AutoTokenizer.from_pretrained(encoder.model, **pinned)
    ids = tokeniser.encode(smiles, 10_000)
    other_tokens = [
        text for text, own in zip(smiles, ids, strict=True) if theirs_cut(text)["input_ids"] != own
    ]
    together, mask = padded(ids, tokeniser.pad)
    batch = (native(together, mask) - hidden(theirs, together, mask))[mask.bool()].abs().max().item()
    alone = max((native(*one) - hidden(theirs, *one)).abs().max().item() for one in each(ids, tokeniser.pad))
    return {
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "smiles": len(smiles),
        "official_has_the_same_tokens": not other_tokens,
        "smiles_with_other_tokens": other_tokens[:10],
        "official_alone_differs_by": alone,
        "official_in_a_batch_differs_by": batch,
    }


def hidden(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the last hidden states of a model of the hub."""
    return model(input_ids=ids, attention_mask=mask).last_hidden_state


def padded(ids: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Return ids and mask, (texts, tokens of the longest)."""
    longest = max(map(len, ids))
    return (
        torch.tensor([one + [pad] * (longest - len(one)) for one in ids]),
        torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in ids]),
    )


def each(ids: list[list[int]], pad: int) -> list[tuple[Tensor, Tensor]]:
    """Return ids and mask of each text alone."""
    return [padded([one], pad) for one in ids]


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
