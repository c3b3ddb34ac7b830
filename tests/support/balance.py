"""Find the subjects of a table Counts that do not add up: what was read must be removed or kept."""

import polars as pl


def unbalanced(counts: pl.DataFrame) -> list[tuple[str, str, dict[str, int]]]:
    """Return (stage, what, reason -> count) of each subject whose lines do not add up to what was read.

    Read (and added) equals the sum of all other lines, but for those that count a part ("of these: ...").
    A subject without a line `read` counts something else, such as how many nodes have a text.
    """
    wrong = []
    for (stage, what), lines in counts.group_by("stage", "what", maintain_order=True):
        counted = dict(lines.select("reason", "count").rows())
        came = {
            reason: n for reason, n in counted.items() if reason == "read" or reason.startswith("added: ")
        }
        went = [
            n for reason, n in counted.items() if reason not in came and not reason.startswith("of these: ")
        ]
        balanced = "read" not in counted or sum(came.values()) == sum(went)
        if not balanced or len(counted) < len(lines):
            wrong.append((stage, what, counted))
    return wrong
