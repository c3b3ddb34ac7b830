"""Take a share of the training groups of a fold, to see what more training data is worth."""

import numpy as np
import polars as pl

from perturbkg.errors import InputError


def take_share(groups: pl.Series, part: pl.Series, share: float, rng: np.random.Generator) -> pl.Series:
    """Return the part of each signature with all but a share of the training groups left out.

    `groups` are those of a split, `part` one of its folds. The training groups are sorted, shuffled, and the
    first `share` of them (rounded) are kept whole, so with equal generators a smaller share is within every
    larger one, and the order of the rows does not matter. Validation and test stay as they are. Raises
    InputError for a share that rounds to no group.
    """
    train = part == "train"
    names = groups.filter(train).unique().sort().to_numpy()
    kept = round(share * len(names))
    if not kept:
        raise InputError(
            f"train_share: {share} of {len(names)} training groups is not a whole one; take more"
        )
    taken = groups.is_in(rng.permutation(names)[:kept].tolist())
    return (
        pl.select(pl.when(train & ~taken).then(pl.lit("left_out")).otherwise(part)).to_series().alias("part")
    )


def share_folder(share: float) -> str:
    """Return what a path of runs has for a share, nothing for all groups."""
    return "" if share == 1 else f"/share{share}"


def share_of(folder: str) -> float:
    """Return the share of what `share_folder` returned."""
    return float(folder.removeprefix("/share") or 1)
