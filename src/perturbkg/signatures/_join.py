"""Keep the selected signatures whose drug has a structure and whose cell line has a baseline."""

import polars as pl

from perturbkg.errors import InputError
from perturbkg.io.tallies import counted, excluded
from perturbkg.signatures import Selected

STAGE = "read_signatures"


def join_selection(
    selection: pl.DataFrame, drugs: pl.DataFrame, cells: pl.DataFrame, minimum: int
) -> Selected:
    """Return the usable signatures sorted by id, and what was lost; fewer than `minimum`: InputError."""
    usable = {
        "drug without a usable structure": ("drug", drugs["drug"]),
        "cell line without a baseline": ("cell", cells["cell"]),
    }
    counts, exclusions, kept = [("read", len(selection))], [], selection.sort("signature")
    for reason, (column, known) in usable.items():
        keep = pl.col(column).is_in(known.implode())
        lost, kept = kept.filter(~keep), kept.filter(keep)
        counts.append((reason, len(lost)))
        lost = lost.select(
            item="signature", row=pl.lit(None, pl.Int64), reason=pl.format(f"{reason}: {{}}", column)
        )
        exclusions.append(excluded(STAGE, "signatures", lost))
    counts.append(("kept", len(kept)))
    if len(kept) < minimum:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts[1:-1])
        raise InputError(
            f"signatures: {len(kept)} of {len(selection)} are left ({reasons}), fewer than "
            f"minimum_signatures = {minimum}; loosen the filters or lower minimum_signatures"
        )
    return Selected(kept, counted(STAGE, "signatures", counts), pl.concat(exclusions))


def require_enough(merged: pl.DataFrame, joined: pl.DataFrame, measured: pl.DataFrame, minimum: int) -> None:
    """Raise InputError where fewer than `minimum` signatures are left of those that were joined."""
    if len(merged) < minimum:
        raise InputError(
            f"signatures: {len(merged)} of {len(joined)} are left ({len(joined) - len(measured)} without a "
            f"profile, {len(measured) - len(merged)} merged into another), fewer than minimum_signatures = "
            f"{minimum}; loosen the filters, lower minimum_signatures or set merge_signatures: none"
        )
