"""Tell which subjects of a table Counts do not add up: what was read must be removed, kept, or both told."""

import polars as pl


def unbalanced(counts: pl.DataFrame) -> list[tuple[str, str, dict[str, int]]]:
    """Return (stage, what, reason -> count) of each subject whose lines do not add up to what was read.

    Read (and added) equals the sum of all other lines, but for those that tell of a part ("of these: ...").
    A subject without a line `read` tells of something else, such as how many nodes have a text.
    """
    wrong = []
    for (stage, what), lines in counts.group_by("stage", "what", maintain_order=True):
        told = dict(lines.select("reason", "count").rows())
        came = {reason: n for reason, n in told.items() if reason == "read" or reason.startswith("added: ")}
        went = [n for reason, n in told.items() if reason not in came and not reason.startswith("of these: ")]
        balanced = "read" not in told or sum(came.values()) == sum(went)
        if not balanced or len(told) < len(lines):
            wrong.append((stage, what, told))
    return wrong
