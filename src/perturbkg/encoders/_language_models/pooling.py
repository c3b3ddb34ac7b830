"""One vector from the vectors of the tokens of a text."""

from typing import TYPE_CHECKING, Literal, get_args

from perturbkg.errors import InputError

if TYPE_CHECKING:  # options are checked without PyTorch
    from torch import Tensor

Pooling = Literal["cls", "mean"]
POOLINGS = get_args(Pooling)


def pool(hidden: "Tensor", mask: "Tensor", pooling: str) -> "Tensor":
    """Return (batch, width) float32 from hidden states (batch, tokens, width) and a mask (batch, tokens).

    `cls` is the first token. `mean` is the mean over all tokens that are not padding, including the special
    ones at both ends, so that an empty text has a mean too.
    """
    check(pooling)
    if pooling == "cls":
        return hidden[:, 0].float()
    keep = mask.unsqueeze(-1).float()  # (batch, tokens, 1)
    # Vectors at padding are meaningless and may be NaN, which 0 * NaN would spread.
    return hidden.float().masked_fill(keep == 0, 0).sum(dim=1) / keep.sum(dim=1)


def check(pooling: str) -> None:
    """Raise InputError for an unknown pooling."""
    if pooling not in POOLINGS:
        raise InputError(f"pooling: {pooling!r} is not known; write {' or '.join(POOLINGS)}")
