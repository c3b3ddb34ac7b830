import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbkg.errors import InputError
from perturbkg.knowledge_graphs._undirected import Statements, undirected

NODES = pl.Series(["a", "b", "c", "d"])
RELATIONS, PROVENANCES = ["r", "s"], ["p", "q", "z"]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))))
def test_agrees_with_sets(rows):
    relation, x, y, reported = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    edges, lines = undirected(Statements(x, y, relation, reported, RELATIONS, PROVENANCES), NODES)
    wanted: dict[tuple[str, str, str], set[str]] = {}
    for r, a, b, p in rows:
        if a != b:
            key = (RELATIONS[r], *sorted((NODES[a], NODES[b])))
            wanted.setdefault(key, set()).add(PROVENANCES[p])
    assert edges.rows() == [(*key, ";".join(sorted(wanted[key]))) for key in sorted(wanted)]
    counts = dict(lines)
    assert counts.pop("read") == len(rows) == sum(counts.values())
    assert counts["exact repeat of a row"] == sum(a != b for _, a, b, _ in rows) - len(
        {row for row in rows if row[1] != row[2]}
    )


def test_too_many_nodes_are_refused():
    none = np.zeros(0, np.int64)
    many = range(2**60)
    with pytest.raises(InputError, match="too many to number"):
        undirected(Statements(none, none, none, none, RELATIONS, many), NODES)
