"""Turn statements, as numbers, into the table `Edges`: one row per undirected edge, listing every source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from perturbkg.errors import InputError


@dataclass(frozen=True)
class Statements:
    """Statements (statements,) as numbers: rows of a table of nodes sorted by id, and of sorted names."""

    x: np.ndarray
    y: np.ndarray
    relation: np.ndarray  # index into `relations`
    provenance: np.ndarray  # index into `provenances`
    relations: Sequence[str]
    provenances: Sequence[str]


def undirected(statements: Statements, node: pl.Series) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """Return each undirected edge once, sorted, and lines of `Counts`: what was removed to get there.

    An edge's head is the end whose node id sorts first, so that the heads of a relation have one type.
    """
    x, y, nodes, provenances = statements.x, statements.y, len(node), len(statements.provenances)
    if len(statements.relations) * nodes**2 * provenances * 2 >= 2**63:
        raise InputError(
            f"knowledge graph: {len(statements.relations)} relations, {provenances} provenances and {nodes} "
            "nodes are too many to number; give edges fewer provenances"
        )
    # A statement is one number, relation first, then head, tail, provenance and direction: sorted once, all
    # that repeats is side by side, and numbers sort as the names that they encode.
    key = statements.relation.astype(np.int64)
    for digit, base in (
        (np.minimum(x, y), nodes),
        (np.maximum(x, y), nodes),
        (statements.provenance, provenances),
        (x > y, 2),
    ):
        key *= base
        key += digit
    key = key[x != y]
    key.sort()
    proper = len(key)
    key = key[_first(key)]
    distinct = len(key)
    key >>= 1
    key = key[_first(key)]
    pair, source = np.divmod(key, provenances)
    new = _first(pair)
    pair = pair[new]
    tail, rest = pair % nodes, pair // nodes
    relation, head = np.divmod(rest, nodes)
    edges = pl.DataFrame(
        {
            "relation": pl.Series(statements.relations, dtype=pl.String).gather(relation),
            "head": node.gather(head),
            "tail": node.gather(tail),
            "provenance": _joined(pl.Series(statements.provenances, dtype=pl.String), source, new),
        }
    )
    return edges, [
        ("read", len(x)),
        ("self-loop", len(x) - proper),
        ("exact repeat of a row", proper - distinct),
        ("second direction of an edge", distinct - len(key)),
        ("same pair under another provenance", len(key) - len(edges)),
        ("kept", len(edges)),
    ]


def _joined(names: pl.Series, source: np.ndarray, new: np.ndarray) -> pl.Series:
    """Return the provenance of each edge; `new` marks where the next edge begins in `source`."""
    first = names.gather(source[new])
    edge = np.cumsum(new) - 1
    # Few pairs have several provenances (a drug's target that is also its carrier): these are joined.
    several = np.flatnonzero(~new)
    if not len(several):
        return first
    of_several = np.isin(edge, edge[several])
    joined = (
        pl.DataFrame({"edge": edge[of_several], "name": names.gather(source[of_several])})
        .group_by("edge", maintain_order=True)
        .agg(pl.col("name").str.join(";"))
    )
    return first.scatter(joined["edge"], joined["name"])


def _first(ordered: np.ndarray) -> np.ndarray:
    """Mark the first of each run of equal values."""
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
