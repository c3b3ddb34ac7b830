import polars as pl
import pytest

from perturbkg.errors import InputError
from perturbkg.knowledge_graphs._checks import check_edges

NODES = pl.DataFrame({"node": ["a", "b", "c"]})


def edges(*ends):
    return pl.DataFrame(
        [("r", head, tail, "p") for head, tail in ends],
        schema=["relation", "head", "tail", "provenance"],
        orient="row",
    )


def test_good_edges_pass():
    check_edges(NODES, edges(("a", "b"), ("b", "c")))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (edges(("a", "b"), ("a", "x")), "kg.parquet: row 1: tail 'x' of a 'r' edge is not among the nodes"),
        (edges(("y", "b")), "kg.parquet: row 0: head 'y' of a 'r' edge is not among the nodes"),
        (edges(("a", "b"), ("c", "c")), "kg.parquet: row 1: self-loop on 'c'"),
        (edges(("a", "b"), ("b", "c"), ("b", "a")), "kg.parquet: row 0: the 'r' edge 'a' - 'b' is stored"),
    ],
)
def test_a_bad_edge_is_named(bad, message):
    with pytest.raises(InputError) as caught:
        check_edges(NODES, bad, "kg.parquet")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
